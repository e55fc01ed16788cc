# What stands below each issue of the newsletter.
newsletter-why = { $shop } 소식지를 신청하셔서 보내 드렸습니다.
newsletter-leave = 소식지 그만 받기
