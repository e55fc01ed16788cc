# What stands below each issue of the newsletter.
newsletter-why = 您收到此邮件，是因为您订阅了 { $shop } 的资讯邮件。
newsletter-leave = 退订
