# The mails about getting the newsletter.
subscription-salutation = 您好：
subscription-confirm-subject = 请确认订阅 { $shop } 的资讯邮件
subscription-confirm = 您申请订阅我们的资讯邮件。打开以下链接即可完成订阅：
subscription-confirm-action = 确认订阅
subscription-confirm-after = 链接三天内有效。如果不是您本人申请的，请忽略此邮件，您不会收到资讯邮件。您可以在此立即删除此邮箱的信息：
subscription-exists-subject = 您已订阅 { $shop } 的资讯邮件
subscription-exists = 有人（也许是您本人）使用此邮箱申请订阅我们的资讯邮件。您已经订阅，因此没有任何更改。如果不想继续接收，可以在此退订：
subscription-exists-action = 退订
subscription-exists-after = 如果不是您本人申请的，请忽略此邮件。
