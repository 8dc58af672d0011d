// Package secret keeps the CRM's key: it seals what must not be read from the
// database, and makes the links that nobody can guess.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Size is the length of the key in bytes.
const Size = 32

// Box holds the key. It is safe for concurrent use, and never shows it.
type Box struct {
	seal cipher.AEAD
	sign []byte
}

// New makes a Box of a key of Size bytes.
func New(key []byte) (*Box, error) {
	if len(key) != Size {
		return nil, fmt.Errorf("the key has %d bytes, and needs %d", len(key), Size)
	}
	// One key for one purpose: what signs links never seals secrets.
	sealing, err := hkdf.Key(sha256.New, key, nil, "crm: sealed secrets", Size)
	if err != nil {
		return nil, err
	}
	signing, err := hkdf.Key(sha256.New, key, nil, "crm: links and forms", Size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &Box{seal: gcm, sign: signing}, nil
}

// Load reads the key from the text, base64 as an environment variable has it,
// or else from a file, which is made at the first start and is readable by
// its owner only. Who loses the key must enter the providers' keys again.
func Load(text, file string) (*Box, error) {
	if text != "" {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil {
			return nil, errors.New("the key is not base64")
		}
		return New(key)
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, Size)
		_, _ = rand.Read(key) // never fails
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return nil, err
		}
		return New(key)
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no key", file)
	}
	return New(key)
}

// Seal encrypts. What it is for ("shop 7") must be said again to open it, so
// that a sealed value cannot be moved to another row.
func (b *Box) Seal(what string, plain []byte) []byte {
	return b.seal.Seal(nil, nil, plain, []byte(what))
}

// Open decrypts what Seal made for the same purpose.
func (b *Box) Open(what string, sealed []byte) ([]byte, error) {
	plain, err := b.seal.Open(nil, nil, sealed, []byte(what))
	if err != nil {
		return nil, errors.New("a stored secret cannot be opened: it was sealed with another key")
	}
	return plain, nil
}

// Token is an unguessable text of 32 letters and digits that only the holder
// of the key can make of these parts.
func (b *Box) Token(parts ...string) string {
	mac := hmac.New(sha256.New, b.sign)
	for _, p := range parts {
		fmt.Fprintf(mac, "%d:%s", len(p), p)
	}
	return strings.ToLower(encoding.EncodeToString(mac.Sum(nil)[:20]))
}

// Same compares two texts in a time that does not tell where they differ.
func Same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// encoding has no 0, O, 1 and I: links are read out and typed in.
var encoding = base32.NewEncoding("ABCDEFGHJKLMNPQRSTUVWXYZ23456789").WithPadding(base32.NoPadding)

// Random is an unguessable text of n letters and digits, five bits each.
func Random(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails
	return strings.ToLower(encoding.EncodeToString(raw))[:n]
}

// Hash is what is stored of a token that is shown to nobody else.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
