# The mails about an account.
account-salutation = { $name } 님, 안녕하세요.
account-confirm-subject = { $shop } 계정을 확인해 주세요
account-confirm = 이 주소로 계정을 신청하셨습니다. 아래 링크를 열어 비밀번호를 입력하시면 계정이 만들어집니다.
account-confirm-action = 계정 확인하기
account-confirm-after = 링크는 하루 동안 유효합니다. 신청하지 않으셨다면 그대로 두세요. 계정은 만들어지지 않습니다.
account-exists-subject = { $shop } 계정이 이미 있습니다
account-exists = 누군가 이 주소로 계정을 신청했습니다. 이미 계정이 있으므로 바뀐 것은 없습니다. 여기에서 로그인하시거나, 비밀번호를 잊으셨다면 새로 정하실 수 있습니다.
account-exists-action = 로그인
account-exists-after = 직접 신청하지 않으셨다면 그대로 두세요.
account-reset-subject = { $shop } 새 비밀번호
account-reset = 새 비밀번호를 요청하셨습니다. 여기에서 정하실 수 있습니다.
account-reset-action = 새 비밀번호 정하기
account-reset-after = 링크는 한 시간 동안 한 번만 유효합니다. 요청하지 않으셨다면 그대로 두세요. 비밀번호는 바뀌지 않습니다.
