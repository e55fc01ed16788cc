# What stands on every page.
skip-to-content = 跳到正文
shop-line = 用心挑选
search-label = 搜索商品
search-placeholder = 想找点什么？
search-button = 搜索
cart = 购物车
cart-with-items = 购物车 { $count } 件商品
account = 我的账户
newsletter = 邮件订阅
languages = 语言
footer-shop = 逛一逛
footer-everything = 全部商品
footer-help = 有疑问？直接回复我们的任意一封邮件即可，会有专人查看。
