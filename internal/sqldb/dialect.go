package sqldb

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect is the kind of database.
type Dialect uint8

// The kinds of database.
const (
	PostgreSQL Dialect = iota + 1 // 12 and later
	MySQL                         // MySQL 5.7 and later, MariaDB 10.3 and later
	SQLite                        // 3.24 and later
)

// String is "PostgreSQL", "MySQL" or "SQLite".
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case MySQL:
		return "MySQL"
	case SQLite:
		return "SQLite"
	}
	return "Dialect(" + strconv.Itoa(int(d)) + ")"
}

// Valid says whether it is one of the three.
func (d Dialect) Valid() bool { return d >= PostgreSQL && d <= SQLite }

// Now is the expression for the time by the database's own clock, in Unix
// milliseconds: the clocks of replicas differ, the database has one.
func (d Dialect) Now() string {
	switch d {
	case PostgreSQL:
		return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
	case MySQL:
		return "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) DIV 1000)"
	}
	return "(CAST(strftime('%s', 'now') AS INTEGER) * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER))"
}

// Quote is the name as an identifier. The name has passed CheckTable.
func (d Dialect) Quote(name string) string {
	q := `"`
	if d == MySQL {
		q = "`"
	}
	return q + strings.ReplaceAll(name, ".", q+"."+q) + q
}

// Index is the name of an index of the table: in PostgreSQL it lives in the
// table's schema and is written without it, in SQLite with it.
func (d Dialect) Index(table, suffix string) string {
	if _, own, ok := strings.Cut(table, "."); ok && d != SQLite {
		table = own
	}
	return d.Quote(table + suffix)
}

// Bind writes the places of a statement as the database has them: ? becomes
// $1, $2 … for PostgreSQL. The statement has no ? but those.
func (d Dialect) Bind(statement string) string {
	if d != PostgreSQL {
		return statement
	}
	var b strings.Builder
	b.Grow(len(statement) + 16)
	for n := 1; ; n++ {
		before, after, found := strings.Cut(statement, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		statement = after
	}
}

// IndexColumn is a text column as an index needs it, to compare byte by byte:
// MySQL's own collations take "a" for "A" and for "a ".
func (d Dialect) IndexColumn(length int, ascii bool) string {
	switch {
	case d == MySQL && ascii:
		return fmt.Sprintf("VARCHAR(%d) CHARACTER SET ascii COLLATE ascii_bin NOT NULL", length)
	case d == MySQL:
		return fmt.Sprintf("VARCHAR(%d) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL", length)
	case d == PostgreSQL:
		return fmt.Sprintf("VARCHAR(%d) NOT NULL", length)
	}
	return "TEXT NOT NULL"
}

// maxTable keeps the names of the indexes below PostgreSQL's 63 bytes.
const maxTable = 48

// CheckTable says what is wrong with the name of a table, ordinarily nothing:
// small Latin letters, digits and _, at most 48, with a schema and a dot
// before it or without.
func CheckTable(name string) error {
	schema, table, dotted := strings.Cut(name, ".")
	if !dotted {
		schema, table = "public", name
	}
	for _, part := range []string{schema, table} {
		for i, c := range []byte(part) {
			if (c < 'a' || c > 'z') && c != '_' && (i == 0 || c < '0' || c > '9') {
				return fmt.Errorf("%q must be small Latin letters, digits and _, optionally after the schema and a dot", name)
			}
		}
		if part == "" || len(part) > maxTable {
			return fmt.Errorf("%q must have 1 to %d characters before and after the dot", name, maxTable)
		}
	}
	return nil
}
