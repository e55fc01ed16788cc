# An order that is followed while its page is open.
live-title = 이 주문에 대해 궁금한 점이 있으신가요?
live-note = 여기에 남겨 주세요. 답변은 이 페이지에 표시되니 페이지를 열어 두시거나 나중에 다시 방문해 주세요.
live-you = 고객님
live-label = 메시지
live-send = 메시지 보내기
live-connected = 이 페이지의 내용은 자동으로 업데이트됩니다.
live-lost = 연결이 끊어졌습니다. 다시 연결하는 중…
live-over = 이 페이지에서는 더 이상 주문 상태가 업데이트되지 않습니다. 계속 보시려면 페이지를 새로 고침해 주세요.
live-sent = 메시지를 보냈습니다.
live-too-fast = 한꺼번에 너무 많이 보내셨습니다. 잠시 후 다시 보내 주세요.
live-too-many = 남기실 수 있는 메시지 수를 모두 사용하셨습니다. 이 페이지에서 답변드리겠습니다.
live-too-long = 메시지를 조금 줄여 주세요.
live-failed = 메시지를 보내지 못했습니다. 다시 시도해 주세요.
live-mail-troubled = 주문 확인 메일 발송에 문제가 있어 담당자가 확인하고 있습니다. 주문은 정상적으로 접수되었습니다.
live-needs-review = 이 주문의 결제를 확인하고 있으며, 확인되는 대로 연락드리겠습니다.
