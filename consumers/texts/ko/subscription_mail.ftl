# The mails about getting the newsletter.
subscription-salutation = 안녕하세요.
subscription-confirm-subject = { $shop } 뉴스레터 구독을 확인해 주세요
subscription-confirm = 뉴스레터를 신청하셨습니다. 아래 링크를 여시면 구독이 시작됩니다.
subscription-confirm-action = 구독 확인하기
subscription-confirm-after = 링크는 사흘 동안 유효합니다. 신청하지 않으셨다면 이 메일을 무시해 주세요. 뉴스레터는 발송되지 않습니다. 아래 링크에서 이 주소의 정보를 바로 삭제하실 수 있습니다.
subscription-exists-subject = { $shop } 뉴스레터를 이미 구독하고 계십니다
subscription-exists = 이 주소로 뉴스레터 신청이 있었습니다. 이미 구독하고 계시므로 바뀐 것은 없습니다. 더 이상 받고 싶지 않으시면 아래에서 구독을 취소하실 수 있습니다.
subscription-exists-action = 구독 취소
subscription-exists-after = 직접 신청하지 않으셨다면 이 메일을 무시해 주세요.
