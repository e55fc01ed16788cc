# The mails about getting the newsletter.
subscription-salutation = 您好：
subscription-confirm-subject = 请确认订阅 { $shop } 的新闻邮件
subscription-confirm = 您申请了我们的新闻邮件。打开以下链接即可开始接收：
subscription-confirm-action = 是的，请发送给我
subscription-confirm-after = 链接三天内有效。如果不是您本人申请的，无需理会，您不会收到。您可以在此立即删除此邮箱的信息：
subscription-exists-subject = 您已订阅 { $shop } 的新闻邮件
subscription-exists = 有人（也许是您）用此邮箱申请了我们的新闻邮件。您已订阅，因此没有任何改动。如果不想再接收，可以在此退订：
subscription-exists-action = 退订
subscription-exists-after = 如果不是您本人申请的，无需理会。
