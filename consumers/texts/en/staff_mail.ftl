# The mail to who works behind the counter.
staff-mail-subject = Your way behind the counter of { $shop }
staff-mail-salutation = Dear { $name },
staff-mail = By this link you set your password, and are let in:
staff-mail-action = Set my password
staff-mail-after = The link is good for two days, and once. If you do not know what this is about, do nothing.
