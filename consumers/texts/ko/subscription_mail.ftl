# The mails about getting the newsletter.
subscription-salutation = 안녕하세요.
subscription-confirm-subject = { $shop } 소식지 구독을 확인해 주세요
subscription-confirm = 소식지를 신청하셨습니다. 아래 링크를 여시면 보내 드립니다.
subscription-confirm-action = 네, 보내 주세요
subscription-confirm-after = 링크는 사흘 동안 유효합니다. 신청하지 않으셨다면 그대로 두세요. 소식지는 가지 않습니다. 아래에서 이 주소의 정보를 바로 지우실 수 있습니다.
subscription-exists-subject = { $shop } 소식지를 이미 받고 계십니다
subscription-exists = 누군가 이 주소로 소식지를 신청했습니다. 이미 받고 계시므로 바뀐 것은 없습니다. 더 이상 받고 싶지 않으시면 여기에서 그만두실 수 있습니다.
subscription-exists-action = 소식지 그만 받기
subscription-exists-after = 직접 신청하지 않으셨다면 그대로 두세요.
