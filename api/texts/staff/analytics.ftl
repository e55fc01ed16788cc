# What was sold, in pictures.
analytics-ranges = Range
analytics-range-today = Today
analytics-range-7d = 7 days
analytics-range-30d = 30 days
analytics-range-90d = 90 days
analytics-range-month = This month
analytics-range-year = This year
analytics-from = From
analytics-to = To
analytics-show = Show
analytics-wrong-name = There is no range of that name.
analytics-wrong-day = A range is from one day to another, such as 2026-01-31.
analytics-wrong-backwards = The range ends before it begins.
analytics-wrong-long = The range is longer than { $days } days.
analytics-wrong-shown = Shown are the last 30 days.
analytics-before = before: { $value }
analytics-compared = The change compares days that are over: { $over } with { $before }.
analytics-not-compared = The day is not over: nothing is compared.
analytics-basket = Average basket
analytics-paid-share = Paid
analytics-paid-of = { $paid } of { $orders } orders
analytics-taken-back = Taken back
analytics-taken-back-of = { $payments ->
    [one] 1 payment
   *[other] { $payments } payments
 } refunded, reversed or denied; it is in what was paid
analytics-placed = Ordered
analytics-paid = Paid
analytics-revenue-by-day = Revenue by day
analytics-orders-by-day = Orders by day
analytics-basket-by-day = Average basket by day
analytics-by-product = Revenue by product
analytics-by-city = Revenue by city
analytics-times = From order to payment
analytics-times-average = { $time } on average.
analytics-times-note = Of the orders placed in the range, those that are paid by now.
analytics-conversion = From cart to payment
analytics-conversion-note = Counted apart, so the steps are not always the same purchases: an order over the API needs no cart, and what is paid at a till begins no payment here. A rate may be above 100 %.
analytics-step = Step
analytics-step-carts = Carts begun
analytics-step-carts-words = got their first line
analytics-step-orders = Orders placed
analytics-step-orders-words = a checkout is one step
analytics-step-payments = Payments begun
analytics-step-payments-words = orders led to a payment provider, the first time
analytics-step-paid = Orders paid
analytics-step-paid-words = of those placed
analytics-count = Count
analytics-of-step-before = Of the step before
analytics-unknown = –
analytics-day = Day
analytics-product = Product
analytics-pieces = Pieces
analytics-city = City
analytics-no-address = No address
analytics-within = Within
analytics-share = Share
analytics-longer = longer
analytics-seconds = { $count } s
analytics-minutes = { $count } min
analytics-hours = { $count } h
analytics-days = { $count ->
    [one] 1 day
   *[other] { $count } days
 }
analytics-peak = Most on { $day }: { $value }.
analytics-no-peak = Nothing in this range.
analytics-table = Table
analytics-file = CSV
analytics-file-of = { $title }, as CSV
analytics-none = Nothing was ordered in this range
analytics-none-words = Pick a longer one, or come back after the first order.
analytics-others = Also sold in { $currencies }: the files have all currencies.
analytics-keys = Left and right go through the days.
