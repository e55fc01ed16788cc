# The mails about an account.
account-salutation = { $name }，您好：
account-confirm-subject = 请确认您在 { $shop } 的账户
account-confirm = 您使用此邮箱申请了账户。请打开以下链接并输入密码，账户即可启用：
account-confirm-action = 确认我的账户
account-confirm-after = 链接一天内有效。如果不是您本人申请的，请忽略此邮件，账户不会建立。
account-exists-subject = 您在 { $shop } 已有账户
account-exists = 有人（也许是您本人）使用此邮箱申请了账户。您已有账户，因此没有任何更改。您可以在此登录；如果忘记了密码，也可以重新设置：
account-exists-action = 登录
account-exists-after = 如果不是您本人申请的，请忽略此邮件。
account-reset-subject = 重置您在 { $shop } 的密码
account-reset = 您申请了新密码。请在此设置：
account-reset-action = 设置新密码
account-reset-after = 链接一小时内有效，且只能使用一次。如果不是您本人申请的，请忽略此邮件，密码不会改变。
