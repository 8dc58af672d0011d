-- Who prints the receipts of an attempt: the shop's settings may change while
-- its page is open. Empty: none, or an attempt of before this column.
ALTER TABLE attempts ADD COLUMN printed_by TEXT NOT NULL DEFAULT '';
