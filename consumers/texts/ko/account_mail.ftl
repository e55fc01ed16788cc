# The mails about an account.
account-salutation = { $name } 님, 안녕하세요.
account-confirm-subject = { $shop } 회원 가입을 확인해 주세요
account-confirm = 이 주소로 회원 가입을 신청하셨습니다. 아래 링크를 열어 비밀번호를 입력하시면 가입이 완료됩니다.
account-confirm-action = 가입 확인하기
account-confirm-after = 링크는 하루 동안 유효합니다. 신청하지 않으셨다면 이 메일을 무시해 주세요. 계정은 만들어지지 않습니다.
account-exists-subject = { $shop }에 이미 가입되어 있습니다
account-exists = 이 주소로 회원 가입 신청이 있었습니다. 이미 가입되어 있으므로 바뀐 것은 없습니다. 아래에서 로그인하시거나, 비밀번호를 잊으셨다면 새로 설정하실 수 있습니다.
account-exists-action = 로그인
account-exists-after = 직접 신청하지 않으셨다면 이 메일을 무시해 주세요.
account-reset-subject = { $shop } 비밀번호 재설정 안내
account-reset = 새 비밀번호를 요청하셨습니다. 아래에서 설정하실 수 있습니다.
account-reset-action = 새 비밀번호 설정하기
account-reset-after = 링크는 한 시간 동안 한 번만 사용하실 수 있습니다. 요청하지 않으셨다면 이 메일을 무시해 주세요. 비밀번호는 바뀌지 않습니다.
