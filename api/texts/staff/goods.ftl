# What several of the pages about goods and people say.
goods-shown = { $count ->
    [one] 1 shown
   *[other] { $count } shown
 }
goods-all = Choose all
goods-choose = Choose { $name }
goods-changed = Changed
goods-by = By
goods-yes = Yes
goods-no = No
goods-none = none
goods-save = Save changes
goods-save-over = Save mine all the same
goods-saved = Saved.
goods-changed-meanwhile = Somebody changed this while you were looking at it. What you typed is still here; below each field that differs stands what is stored now. Look at both, and save again.
goods-now = Stored now: { $stored }
goods-now-empty = Stored now: nothing
goods-now-yes = Stored now: yes
goods-now-no = Stored now: no
goods-try-again = Something else happened to it at the same moment. Please try again.
goods-somebody = somebody who works here
goods-api-key = API key …{ $key }
