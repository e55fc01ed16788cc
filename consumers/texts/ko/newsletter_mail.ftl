# What stands below each issue of the newsletter.
newsletter-why = { $shop } 뉴스레터를 구독하셔서 보내 드렸습니다.
newsletter-leave = 구독 취소
