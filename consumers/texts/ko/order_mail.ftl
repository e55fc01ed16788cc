# The mails about an order.
mail-confirmation-subject = 주문이 접수되었습니다 (주문 번호 { $number })
mail-receipt-subject = 결제가 완료되었습니다 (주문 번호 { $number })
mail-reminder-subject = 아직 결제되지 않은 주문이 있습니다 (주문 번호 { $number })
mail-reminder = 하루 전에 주문해 주셨는데 아직 결제가 확인되지 않았습니다. 혹시 잊으셨나요? 주문하신 내역은 다음과 같습니다.
mail-to-pay = 결제하실 금액
mail-pay = 지금 결제하기
mail-salutation = { $name } 님, 안녕하세요.
mail-confirmation = 주문해 주셔서 감사합니다. 주문이 아래와 같이 접수되었습니다.
mail-receipt = 결제가 확인되었습니다. 감사합니다! 결제하신 내역은 다음과 같습니다.
mail-product = 상품
mail-quantity = 수량
mail-price = 금액
mail-each = 개당 { $price }
mail-total = 합계
mail-paid = 결제 금액
mail-goes-to = 배송지
mail-answer = 잘못된 점이 있으면 이 메일에 회신해 주세요.
