# What stands on every staff page, and where one logs in.
staff-skip = Skip to the content
staff-nav = Sections
staff-nav-dashboard = Today
staff-nav-orders = Orders
staff-nav-products = Products
staff-nav-categories = Categories
staff-nav-members = Members
staff-nav-newsletters = Newsletters
staff-nav-analytics = Analytics
staff-nav-schedule = Schedule
staff-nav-console = Console
staff-nav-staff = Staff
staff-role-owner = Owner
staff-role-manager = Manager
staff-role-clerk = Clerk
staff-log-out = Log out
staff-log-in = Log in
staff-log-in-lead = For those who work here.
staff-log-in-wrong = Address and password do not belong together, or the account is disabled. Please look at both.
staff-forgotten = Forgotten your password? An owner can give you a new link.
staff-email = E-mail
staff-password = Password
staff-new-password = New password
staff-password-hint = At least 10 characters. Four words that do not go together are a good one.
staff-your-name = Your name
staff-set-password = Set your password
staff-set-password-lead = Welcome behind the counter of { $shop }. This link works once.
staff-set-password-button = Set password and log in
staff-void = This link is no longer good
staff-void-words = It was used before, or is too old. An owner can give you another one.
staff-refused = That is not for your role
staff-refused-words = You are logged in as { $role }. Ask an owner if you need to do this.
staff-back = Back to today
staff-just-now = just now
staff-minutes-ago = { $count } min ago
staff-hours-ago = { $count } h ago
staff-days-ago = { $count ->
    [one] 1 day ago
   *[other] { $count } days ago
 }
staff-optional = optional
staff-filters = Filters
staff-search = Search
staff-any = Any
staff-today = Today
staff-past-week = Past 7 days
staff-this-month = This month
staff-this-year = This year
staff-from = From
staff-to = To
staff-apply = Apply
staff-clear = Clear all filters
staff-pages = Pages
staff-first = First page
staff-next = Next page
staff-count = { $count } in all
staff-count-more = { $count }+ in all
staff-away = It could not be done just now. Nothing was changed; try again.
staff-unknown = Whether it was done is not known. Look again in a moment.
staff-bulk-none = Nothing was chosen, so nothing was done.
staff-bulk-too-many = More than { $most } were chosen, so nothing was done. Choose fewer at once.
staff-bulk-all-done = { $count ->
    [one] Done, for the one that was chosen.
   *[other] Done, for all { $count } that were chosen.
 }
staff-bulk-some-done = Done for { $done } of { $count }.
staff-bulk-not-reached = It could not be reached just now. Look at it, and try again.
staff-bulk-not-tried = It was not tried, as the others took too long. Try again.
