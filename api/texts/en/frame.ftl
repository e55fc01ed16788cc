# What stands on every page.
skip-to-content = Skip to the content
shop-line = Chosen with care
search-label = Search the shop
search-placeholder = What are you looking for?
search-button = Search
cart = Cart
cart-with-items = { $count ->
    [one] Cart, 1 item
   *[other] Cart, { $count } items
 }
account = Account
newsletter = Newsletter
languages = Language
footer-shop = Shop
footer-everything = Everything we sell
footer-help = A question? Reply to any of our e-mails; a person reads it.
