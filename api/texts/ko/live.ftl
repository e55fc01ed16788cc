# 페이지가 열려 있는 동안 따라가는 주문.
live-title = 이 주문에 대해 궁금한 점이 있으신가요?
live-note = 여기에 적어 주세요. 답변은 이 페이지에 표시되니 열어 두거나 다시 방문해 주세요.
live-you = 고객님
live-label = 메시지
live-send = 메시지 보내기
live-connected = 이 페이지는 자동으로 새로 고쳐집니다.
live-lost = 연결이 끊어졌습니다. 다시 연결하는 중…
live-over = 이 페이지는 더 이상 주문을 따라가지 않습니다. 계속하려면 새로 고침해 주세요.
live-sent = 메시지를 보냈습니다.
live-too-fast = 한꺼번에 너무 많이 보내셨습니다. 잠시 후 다시 보내 주세요.
live-too-many = 더 이상 메시지를 남길 수 없습니다. 여기에서 답변드리겠습니다.
live-too-long = 메시지를 줄여 주세요.
live-failed = 메시지를 보내지 못했습니다. 다시 시도해 주세요.
live-mail-troubled = 확인 메일을 보내는 데 문제가 있습니다. 담당자가 확인하고 있으며 주문은 유효합니다.
live-needs-review = 이 주문의 결제를 확인하고 있으며, 곧 연락드리겠습니다.
