# An order that is followed while its page is open.
live-title = 对这笔订单有疑问？
live-note = 请在这里留言。我们会在本页回复，请不要关闭页面，或稍后再来查看。
live-you = 您
live-label = 您的留言
live-send = 发送留言
live-connected = 本页会自动更新。
live-lost = 连接已断开，正在重试…
live-over = 本页已停止更新订单状态，请刷新页面以继续。
live-sent = 留言已发送。
live-too-fast = 发送过于频繁，请稍候再发送。
live-too-many = 留言数量已达上限。我们会在这里回复您。
live-too-long = 请缩短您的留言。
live-failed = 留言未能发送，请重试。
live-mail-troubled = 确认邮件发送遇到问题，我们正在处理。您的订单有效。
live-needs-review = 我们正在核对这笔订单的一笔付款，会与您联系。
