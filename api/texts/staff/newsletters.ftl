# Issues of the newsletter.
issue-write = Write an issue
issue-write-button = Save draft
issue-none = No issue fits
issue-none-words = Write one: it is a draft until you release it.
issue-subscribers = { $count ->
    [one] One subscriber gets the newsletter.
   *[other] { $count } subscribers get the newsletter.
 }
issue-subject = Subject
issue-text = Text
issue-text-hint = An empty line begins another paragraph.
issue-subject-in = Subject in { $language }
issue-text-in = Text in { $language }
issue-state = State
issue-draft = Draft
issue-scheduled = Scheduled
issue-released = Released
issue-not-released = Not released
issue-words = What it says
issue-preview = How it looks
issue-as-mail = as a mail
issue-outcome = What became of it
issue-sent = Sent
issue-waiting = To be tried again
issue-failed = Failed
issue-unknown = Not known
issue-outcome-hint = Mails go out at a bounded pace. Of those whose outcome is not known the last reply was lost: they are not sent again.
issue-release = Release
issue-release-now = { $count ->
    [one] Release now to 1 subscriber
   *[other] Release now to { $count } subscribers
 }
issue-hour = Or at this hour ({ $zone })
issue-hour-wrong = Choose a day and an hour that is still to come.
issue-schedule = Schedule release
issue-cancel = Do not release it then
issue-was-written = The draft is saved. Nobody gets it before you release it.
issue-was-released = It is released. The mails go out now.
issue-was-scheduled = It is scheduled.
issue-is-scheduled-already = It is scheduled already. Cancel that first.
issue-was-cancelled = It is not released by itself any more.
issue-was-not-scheduled = It was not scheduled, or is out already.
issue-changed-look-again = It was changed while you were looking at it, so it was not released. This is what it says now.
issue-went-out-meanwhile = It went out while you were writing, and stays as it is.
issue-saved-not-as-scheduled = Saved. On the schedule it is as it was before: for this to go out, take it off the schedule, and schedule it anew.
