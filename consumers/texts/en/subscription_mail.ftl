# The mails about getting the newsletter.
subscription-salutation = Hello,
subscription-confirm-subject = Please confirm the newsletter of { $shop }
subscription-confirm = You asked for our newsletter. It comes once you follow this link:
subscription-confirm-action = Yes, send it to me
subscription-confirm-after = The link works for three days. If you did not ask for it, do nothing: it will not come. Here all that we know of this address is deleted at once:
subscription-exists-subject = You already get the newsletter of { $shop }
subscription-exists = Somebody, perhaps you, asked for our newsletter with this address. You already get it, so nothing was changed. If you would rather not have it any more, leave here:
subscription-exists-action = Leave the newsletter
subscription-exists-after = If it was not you, do nothing.
