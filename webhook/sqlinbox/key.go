package sqlinbox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// maxKey is the length of the column: an index of MySQL's holds it in every
// character set and row format.
const maxKey = 190

// hashMark separates the readable beginning of a long key from its hash. A key
// that has it is hashed whatever its length, so that no key can pass for
// another's hash.
const hashMark = "~"

// stored is the key as the table has it: itself where it is short and plain
// ASCII, otherwise its readable beginning with its SHA-256. Different keys are
// stored differently.
func stored(key string) string {
	if len(key) <= maxKey && !strings.HasSuffix(key, " ") && strings.IndexFunc(key, odd) < 0 {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	readable := make([]byte, 0, maxKey)
	for _, r := range key {
		if len(readable) == maxKey-len(hashMark)-2*len(sum) {
			break
		}
		if odd(r) {
			r = '?'
		}
		readable = append(readable, byte(r))
	}
	return string(readable) + hashMark + hex.EncodeToString(sum[:])
}

func odd(r rune) bool { return r < ' ' || r > '}' }

// lockNumber is the number of PostgreSQL's advisory lock for the key. Two keys
// with the same number wait for each other, which does no harm.
func lockNumber(table, key string) int64 {
	sum := sha256.Sum256([]byte(table + "\x00" + key))
	return int64(binary.BigEndian.Uint64(sum[:]))
}
