# The console of who runs the system.
ops-live = Live
ops-late = Not live: it tries again
ops-over = Not live: load the page again
ops-stalled = This makes no progress, though there is work:
ops-rate = Commands
ops-not-accepted = { $rate } not accepted
ops-latency = 99 of 100 within
ops-half = half within { $time }
ops-batch = Commands in a batch
ops-batches = { $rate } batches
ops-head = Head of the log
ops-worst-lag = Worst lag
ops-none-behind = nobody is behind
ops-views = Read models and relay
ops-groups = Consumer groups
ops-name = Name
ops-lag = Events behind
ops-position = Position
ops-per-second = Rate
ops-left = Time left
ops-hour = Last hour
ops-do = Actions
ops-no-version = not built
ops-not-built = Not built
ops-stopped = Stopped
ops-nobody = Nobody leads
ops-behind = Behind
ops-follows = Follows
ops-starting = Starting
ops-standby = Standing by
ops-elsewhere = Not here
ops-retrying = Trying again
ops-filling = Building
ops-catching-up = Catching up
ops-ready = Ready
ops-retired = Served before
ops-done = { $done } %
ops-done-left = { $done } %, { $left } left
ops-rows = about { $rows } rows, { $size }
ops-rebuild = Rebuild
ops-rollback = Roll back
ops-promote = Promote
ops-diff = Compare
ops-not-started = Not started
ops-paused = Paused
ops-running = Running
ops-failing = Failing
ops-no-members = No members
ops-paused-by = { $by }, { $ago }: { $reason }
ops-waits = Oldest
ops-members = Members
ops-waiting = Waiting
ops-parked = Parked
ops-unknown = Unknown
ops-pause = Pause
ops-resume = Resume
ops-rewind = Rewind
ops-withdraw-rewind = Withdraw rewind
ops-rewinding = { $count ->
    [one] 1 partition is to go back behind position { $position }, and has not yet.
   *[other] { $count } partitions are to go back behind position { $position }, and have not yet.
 }
ops-rewinds-when-resumed = That is done when it is resumed.
ops-partitions = { $count ->
    [one] 1 partition
   *[other] { $count } partitions
 }
ops-at = at position { $position }
ops-events-behind = { $count ->
    [one] 1 event behind
   *[other] { $count } events behind
 }
ops-needs-person = Needs a person
ops-not-discarded = What waits is tried again by itself, and can't be discarded: nothing was done.
ops-nothing-parked = Nothing is parked, and of nothing the outcome is unknown.
ops-look-through = Look through all, by a filter
ops-none-found = Nothing is like that
ops-none-found-words = No item matches these filters.
ops-item = Item
ops-event = Event
ops-of = Of
ops-reason = Reason
ops-reason-has = Reason contains
ops-order = Order
ops-held = Holds up
ops-since = Since
ops-tried-next = Next try
ops-next-try = Next try { $time }
ops-all-of = All of { $consumer }:
ops-all = All of all consumers:
ops-all-consumers = all consumers
ops-retry = Retry
ops-discard = Discard
ops-retry-these = Retry all
ops-discard-these = Discard all
ops-next = Next
ops-tasks = Work by kind
ops-foremost = What needs a person, and what is next
ops-due = Due
ops-late-for = Late for
ops-late-task = Late
ops-in-time = In time
ops-idle = Nothing to do
ops-stands = Stands still
ops-pace = Done or last run
ops-due-hour = Due, last hour
ops-per-hour = { $count }/h
ops-every = every { $time }
ops-instances = Instances
ops-instance = Host and process
ops-command = Runs as
ops-started = Started
ops-leads = Leads
ops-lives = Lives
ops-silent = Silent
ops-instances-none = No program has said that it runs.
ops-audit = Who did what
ops-audit-none = Nobody has done anything yet.
ops-when = When
ops-who = Who
ops-what = What
ops-to = To
ops-count = Count
ops-outcome = Outcome
ops-done-well = Done
ops-refused = Refused
ops-failed = Failed
ops-leave = Leave it as it is
ops-consumer = Consumer
ops-look-at-item = Look at all that is known of it
ops-retry-one = Retry item { $id }?
ops-discard-one = Discard item { $id }?
ops-retry-all = Retry { $count ->
    [one] 1 item
   *[other] { $count } items
 } of { $consumer }?
ops-discard-all = Discard { $count ->
    [one] 1 item
   *[other] { $count } items
 } of { $consumer }?
ops-retry-found = Retry { $count ->
    [one] 1 item that matches
   *[other] { $count } items that match
 }?
ops-discard-found = Discard { $count ->
    [one] 1 item that matches
   *[other] { $count } items that match
 }?
ops-retry-matching = Retry { $count ->
    [one] the 1 that matches
   *[other] all { $count } that match
 }
ops-discard-matching = Discard { $count ->
    [one] the 1 that matches
   *[other] all { $count } that match
 }
ops-retry-words = It is tried again, its attempts counted from 0; what waits is tried now, its attempts as they are. A mail goes out with the same Message-ID as before.
ops-discard-words = It is never tried again, and what it holds up goes on. This can't be taken back.
ops-retry-count = Retry { $count ->
    [one] 1 item
   *[other] { $count } items
 }
ops-discard-count = Discard { $count ->
    [one] 1 item
   *[other] { $count } items
 }
ops-pause-title = Pause { $group }?
ops-pause-words = Its members stay, and rest until it is resumed. What they have begun comes to its end; events wait meanwhile.
ops-pause-do = Pause { $group }
ops-pause-reason = Why
ops-no-personal = Others read it: no names, no addresses.
ops-rewind-title = Rewind { $group }
ops-rewind-words = It is handed its events again, from a position or a time on. What it did once it does not do again: its ledger knows.
ops-rewind-to = To
ops-rewind-hint = A position (0 is the beginning), or a time such as 2026-01-31 08:00 in { $zone }.
ops-rewind-preview = Show what that would mean
ops-rewind-wrong = This is neither a position nor a time such as 2026-01-31 08:00.
ops-rewind-nothing = It has not come further than that: nothing would be handed to it again.
ops-rewind-long = The history is too long to be counted here: run `orders consumers rewind`, which takes its time.
ops-rewind-would = This would hand { $events ->
    [one] 1 event
   *[other] { $events } events
 } to { $group }; it would act on { $acts } of them.
ops-rewind-do = Hand { $events ->
    [one] 1 event
   *[other] { $events } events
 } to { $group } again
ops-rewind-behind = Behind position
ops-rewind-events = Events
ops-rewind-acts = It would act on
ops-rebuild-title = Build { $view } anew?
ops-rebuild-words = { $events ->
    [one] 1 event is
   *[other] { $events } events are
 } read again, beside the build that serves, by the instance that leads. The one that serves goes on.
ops-rebuild-do = Build { $view } anew
ops-rebuild-promote = Let it serve as soon as it is done; else it waits to be compared and promoted
ops-promote-title = Let { $build } serve { $view }?
ops-promote-do = Promote { $build }
ops-rollback-title = Let { $build } serve { $view } again?
ops-rollback-do = Roll back to { $build }
ops-exchange-words = It replaces { $active }. { $events ->
    [one] 1 event is
   *[other] { $events } events are
 } caught up with before; readers do not wait. { $active } stays, to be rolled back to.
ops-look-at-diff = Compare it with the one that serves, row by row
ops-build = Build
ops-about-rows = Rows, about
ops-cancel-title = Cancel job { $id }, { $task }?
ops-cancel-words = 1 job is not done. It can be run all the same, later.
ops-cancel-periodic = 1 periodic job rests until somebody has it run again.
ops-cancel-do = Cancel 1 job
ops-key = Of
ops-now-retried = { $count ->
    [one] 1 item is tried again.
   *[other] { $count } items are tried again.
 }
ops-now-discarded = { $count ->
    [one] 1 item is discarded.
   *[other] { $count } items are discarded.
 }
ops-not-parked = It does not need a person any more: nothing was done.
ops-count-changed = There are { $count } by now: nothing was done. Please look again.
ops-too-many = These are too many at once: nothing was done. Narrow the filter down.
ops-now-paused = It rests.
ops-now-resumed = It goes on.
ops-already-so = It was so already.
ops-now-rewound = { $events ->
    [one] 1 event is
   *[other] { $events } events are
 } handed over again; it acts on { $acts }.
ops-now-withdrawn = { $count ->
    [one] 1 partition does not go back any more.
   *[other] { $count } partitions do not go back any more.
 }
ops-nothing-to-withdraw = It was to go back nowhere, or has already: nothing was done.
ops-preview-changed = By now it would be { $events } events, and it would act on { $acts }: nothing was done. Please look again.
ops-now-building = { $build } is being built.
ops-goes-on = It is brought up to date, and serves after that.
ops-now-serves = It serves.
ops-board-old = This is how it was at { $time }: what is so now can't be read.
ops-diff-title = { $view }: two builds compared
ops-diff-none = There is nothing to compare
ops-diff-long = The builds are too large to be compared here: run `orders projections diff`, which takes its time.
ops-diff-serves = Serves
ops-diff-other = The other
ops-diff-differ = Rows that differ
ops-diff-shape = Only one of them has { $columns }.
ops-diff-agree = Both say the same
ops-diff-row = Row
ops-diff-column = Column
ops-letters = Dead letters
ops-letters-none = No dead letter is there
ops-letters-none-words = What is parked is published to the dead-letter topic besides. Kafka keeps it for a while; what was parked stays.
ops-letters-away = Dead letters can't be read
ops-letters-parked-at = Parked at
ops-letters-came-from = Came from
ops-letters-here = { $count ->
    [one] 1 letter here
   *[other] { $count } letters here
 }
ops-letters-no-kafka = This process knows of no Kafka. Set KAFKA_BROKERS for it too, or open the console of one that has it. What is parked is decided on all the same.
ops-letters-later = Kafka does not answer now. Look again later; what is parked is decided on all the same.
ops-letters-record = Record
ops-letters-omitted = Its record is left out: { $why }
ops-mails = Was it mailed?
ops-mails-of = Order or address
ops-mails-hint = An order's number or id, or the address of a customer. An order whose address was corrected is found by its present one.
ops-mails-look = Look
ops-mails-wrong = This is no number or id of an order, and no address of mail.
ops-mails-no-order = No order of the list has the number { $number }.
ops-mails-none = No mail is known
ops-mails-none-words = Mails are found by an order, and by the address of its customer, of an account or of a subscriber.
ops-mails-not-all = These are not all: the address has older orders, or mails that are about none. Ask by the order for those.
ops-mails-another = to another address
ops-mails-next = Next attempt
ops-mails-event = Event
ops-mails-tried = Tried
ops-item-title = Item { $id }
ops-tries = Tried
ops-record = Record
ops-trace = Trace
ops-decided-by = Decided by
ops-attempts = Attempts that did not end well
ops-payload = What happened
