# The mails about an order.
mail-confirmation-subject = 订单 { $number } 已收到
mail-receipt-subject = 订单 { $number } 的收据
mail-reminder-subject = 订单 { $number } 尚未付款
mail-reminder = 您一天前在本店下单，我们尚未收到付款。也许您还没来得及付款？您订购的商品如下：
mail-to-pay = 待付金额
mail-pay = 立即付款
mail-salutation = { $name }，您好：
mail-confirmation = 感谢您的惠顾。我们已收到您的订单，明细如下：
mail-receipt = 我们已收到您的付款，谢谢！付款明细如下：
mail-product = 商品
mail-quantity = 数量
mail-price = 金额
mail-each = 单价 { $price }
mail-total = 合计
mail-paid = 已付
mail-goes-to = 收货地址
mail-answer = 如有任何问题，直接回复本邮件即可。
