"""Places an order by the client that openapi-python-client makes of the document.

    place_an_order.py URL KEY

Prints the order's id and its total.
"""

import sys

from orders_client import AuthenticatedClient
from orders_client.api.orders import get_order, place_order
from orders_client.models import PlaceOrder

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)
checkout = PlaceOrder.from_dict(
    {
        "customer": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"},
        "shipping_address": {"address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "London", "country": "GB"},
        "items": [{"sku": "TEA-GREEN", "quantity": 2}],
    }
)

placed = place_order.sync_detailed(client=client, body=checkout, idempotency_key="checkout-1")
again = place_order.sync_detailed(client=client, body=checkout, idempotency_key="checkout-1")
assert placed.status_code == 201, placed.content
assert again.headers["idempotent-replayed"] == "true"
assert again.parsed.id == placed.parsed.id

read = get_order.sync(placed.parsed.id, client=client)
assert read.number == placed.parsed.number

refused = place_order.sync_detailed(
    client=client,
    body=PlaceOrder.from_dict(checkout.to_dict() | {"items": [{"sku": "NONE", "quantity": 1}]}),
)
assert refused.status_code == 422 and refused.parsed.code == "items_rejected", refused.content

print(placed.parsed.id, placed.parsed.total.amount, placed.parsed.total.currency)
