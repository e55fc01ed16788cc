# What stands on every page.
skip-to-content = 본문으로 건너뛰기
shop-line = 정성껏 골랐습니다
search-label = 상품 검색
search-placeholder = 무엇을 찾고 계신가요?
search-button = 검색
cart = 장바구니
cart-with-items = 장바구니 { $count }개
account = 내 계정
newsletter = 뉴스레터
languages = 언어
footer-shop = 둘러보기
footer-everything = 전체 상품
footer-help = 궁금한 점이 있으시면 보내 드린 메일에 회신해 주세요. 담당자가 직접 확인합니다.
