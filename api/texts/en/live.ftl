# An order that is followed while its page is open.
live-title = Questions about this order?
live-note = Write to us here. We answer on this page, so keep it open or come back to it.
live-you = You
live-label = Your message
live-send = Send message
live-connected = This page keeps itself up to date.
live-lost = The connection is lost. We are trying again…
live-over = This page no longer follows your order. Load it again to go on.
live-sent = Your message was sent.
live-too-fast = That was a lot at once. Please wait a moment, then send it again.
live-too-many = You have written as much as there is room for. We will answer you here.
live-too-long = Please shorten your message.
live-failed = Your message could not be sent. Please try again.
live-mail-troubled = We have trouble with sending the confirmation. Somebody is looking at it; your order stands.
live-needs-review = We are checking a payment for this order, and will write to you.
