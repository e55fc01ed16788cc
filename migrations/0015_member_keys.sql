-- A key may be bound to one member: then it sees and changes that member's orders and cart, and nothing else.
--
-- No reference to `members`: a key is never deleted, so that what it did can be looked up. One whose member is no more is valid no
-- longer, which whoever verifies a key asks for.
ALTER TABLE api_keys ADD COLUMN member_id uuid;
-- What reaches beyond one member's orders is for no such key.
ALTER TABLE api_keys ADD CONSTRAINT api_keys_of_members_are_for_orders
    CHECK (member_id IS NULL OR scopes <@ ARRAY['orders:read', 'orders:write']);
