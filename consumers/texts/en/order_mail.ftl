# The mails about an order.
mail-confirmation-subject = Order nr. { $number }
mail-receipt-subject = Receipt for order nr. { $number }
mail-reminder-subject = Order nr. { $number } is not paid yet
mail-reminder = You ordered from us a day ago, and we have seen no payment yet. Perhaps something came in between? This is what you ordered:
mail-to-pay = Still to be paid
mail-pay = Pay now
mail-salutation = Dear { $name },
mail-confirmation = Thank you for your order. We have received it, and this is what you ordered:
mail-receipt = We have received your payment. Thank you! This is what you paid for:
mail-product = Product
mail-quantity = Quantity
mail-price = Price
mail-each = { $price } each
mail-total = Total
mail-paid = Paid
mail-goes-to = It goes to
mail-answer = If anything is not as it should be, just reply to this e-mail.
