CREATE INDEX products_featured ON products (sku) WHERE featured AND status = 'active';
CREATE INDEX products_categories ON products USING gin (categories);
