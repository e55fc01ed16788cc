# What stands below each issue of the newsletter.
newsletter-why = You get this because you asked { $shop } for its newsletter.
newsletter-leave = Leave the newsletter
