package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
)

// Fault is what an error of the database means for whoever would try again.
type Fault uint8

const (
	// Final: the statement's own fault, or not the database's at all.
	Final Fault = iota
	// Conflict: somebody else was in the way (a deadlock, a serialization
	// failure, a lock not gained, a database that is locked). The transaction
	// is rolled back, or must be; run again, it may succeed.
	Conflict
	// Lost: the connection, or the server, is gone. What was not answered may
	// have been carried out.
	Lost
)

// FaultOf tells the errors of the common drivers apart without importing
// them: by the SQLSTATE that pgx and lib/pq give, by the number in the text of
// go-sql-driver/mysql, by the result code or the text of the SQLite drivers.
func (d Dialect) FaultOf(err error) Fault {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Final
	}
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Lost
	}
	var network net.Error
	if errors.As(err, &network) {
		return Lost
	}
	switch d {
	case PostgreSQL:
		return postgresFault(err)
	case MySQL:
		return mysqlFault(err)
	case SQLite:
		return sqliteFault(err)
	}
	return Final
}

func postgresFault(err error) Fault {
	var e interface{ SQLState() string }
	if !errors.As(err, &e) {
		if text := err.Error(); strings.Contains(text, "conn closed") || strings.Contains(text, "connection is closed") {
			return Lost
		}
		return Final
	}
	switch state := e.SQLState(); {
	case state == "40001", state == "40P01", state == "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return Conflict
	case strings.HasPrefix(state, "08"), strings.HasPrefix(state, "57P"), state == "53300": // connection, shutdown, too_many_connections
		return Lost
	}
	return Final
}

func mysqlFault(err error) Fault {
	text := err.Error()
	switch MySQLError(text) {
	case 1213, 1205, 1020, 3101: // deadlock, lock wait timeout, record changed, rolled back by the group
		return Conflict
	case 1040, 1053, 1927, 2006, 2013, 4031: // too many connections, shutdown, killed, gone away, lost, idle too long
		return Lost
	}
	if strings.Contains(text, "invalid connection") || strings.Contains(text, "busy buffer") {
		return Lost
	}
	return Final
}

// MySQLError is the number in "Error 1213 (40001): Deadlock found …"; 0: there
// is none.
func MySQLError(text string) int {
	const word = "error "
	for rest := strings.ToLower(text); ; {
		_, after, found := strings.Cut(rest, word)
		if !found {
			return 0
		}
		digits := 0
		for digits < len(after) && after[digits] >= '0' && after[digits] <= '9' {
			digits++
		}
		if digits == 4 && digits < len(after) && (after[digits] == ' ' || after[digits] == ':') {
			n, _ := strconv.Atoi(after[:digits])
			return n
		}
		rest = after
	}
}

func sqliteFault(err error) Fault {
	var e interface{ Code() int }
	if errors.As(err, &e) {
		if code := e.Code() & 0xff; code == 5 || code == 6 { // SQLITE_BUSY, SQLITE_LOCKED
			return Conflict
		}
		return Final
	}
	if text := err.Error(); strings.Contains(text, "database is locked") || strings.Contains(text, "database table is locked") {
		return Conflict
	}
	return Final
}
