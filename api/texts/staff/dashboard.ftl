# What is going on.
staff-hello = Good to see you, { $name }
staff-nothing = –
staff-yesterday = Yesterday { $value }
staff-orders-today = Orders today
staff-revenue-today = Ordered today
staff-paid-today = Paid today
staff-received-today = Received today
staff-waiting-review = Payments that do not fit
staff-waiting-messages = Customers wait for an answer
staff-waiting-mails = Mails that need a look
staff-waiting-notices = Payments of no order
staff-none-waiting = Nothing waits.
staff-wrote = The customer wrote
staff-week = The past seven days
staff-day = Day
staff-revenue = Ordered
staff-received = Received
