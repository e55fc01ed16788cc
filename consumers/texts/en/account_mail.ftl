# The mails about an account.
account-salutation = Dear { $name },
account-confirm-subject = Please confirm your account at { $shop }
account-confirm = You asked for an account with this address. It is yours once you have followed this link and typed your password:
account-confirm-action = Confirm my account
account-confirm-after = The link works for a day. If you did not ask for an account, do nothing: there will be none.
account-exists-subject = You already have an account at { $shop }
account-exists = Somebody, perhaps you, asked for an account with this address. You already have one, so nothing was changed. Here you can log in, or set a new password if you have forgotten it:
account-exists-action = Log in
account-exists-after = If it was not you, do nothing.
account-reset-subject = A new password for { $shop }
account-reset = You asked for a new password. Here you can set it:
account-reset-action = Set a new password
account-reset-after = The link works for an hour, and once. If you did not ask for it, do nothing: your password stays as it is.
