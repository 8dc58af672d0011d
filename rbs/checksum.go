package rbs

import (
	"bytes"
	"crypto/rsa"
	_ "crypto/sha512" // the hash of asymmetric checksums
	"encoding/hex"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/webhook"
)

// verify checks the checksum over the parameters. They are not changed. single
// says that no name and no value that is signed has a semicolon in it.
func (v *Verifier) verify(params webhook.Params, nested bool) (single bool, err error) {
	s := v.pool.Get().(*scratch)
	defer v.pool.Put(s)
	var checksum string
	s.order, checksum = signedOrder(s.order[:0], params)
	if checksum == "" {
		return false, v.refuse(paramChecksum, "is missing: callbacks of this merchant are signed")
	}
	s.canonical = appendCanonical(s.canonical[:0], params, s.order)
	right := false
	if v.mac != nil {
		right = v.mac.VerifyHex(s.canonical, checksum) || v.past.mac != nil && v.past.mac.VerifyHex(s.canonical, checksum)
	} else {
		right = v.verifyRSA(v.key, s, checksum) || v.past.key != nil && v.verifyRSA(v.past.key, s, checksum)
	}
	if right {
		return bytes.Count(s.canonical, separator) == 2*len(s.order), nil
	}
	e := v.refuse("", "the checksum is not the bank's")
	e.Hint = "compare the key with the cabinet's, and name the parameters of the callback address itself in Config.CallbackDrop"
	if nested {
		e.Hint = "the body has nested members, and how they are signed is not published; switch them off in the cabinet, or leave the key out, so that every payment is read back"
	}
	return false, e
}

// separator ends a name and a value of the canonical text.
var separator = []byte{';'}

// verifyRSA checks PKCS #1 v1.5 with each of the hashes.
func (v *Verifier) verifyRSA(key *rsa.PublicKey, s *scratch, checksum string) bool {
	if len(checksum) != 2*key.Size() {
		return false
	}
	sig, err := hex.AppendDecode(s.digest[:0], []byte(checksum))
	if err != nil {
		return false
	}
	for _, h := range v.opt.Hashes {
		digest := h.New()
		digest.Write(s.canonical)
		if rsa.VerifyPKCS1v15(key, h, digest.Sum(nil), sig) == nil {
			return true
		}
	}
	return false
}

// Canonical is the text that a checksum is over: the parameters save checksum
// and sign_alias, sorted by name, each as "name;value;". The parameters are
// not changed.
func Canonical(params webhook.Params) []byte {
	order, _ := signedOrder(nil, params)
	return appendCanonical(nil, params, order)
}

// signedOrder appends to order, which is empty, the places of the signed
// parameters, sorted by their names, and gives the checksum. Sorting places
// leaves the parameters as they came.
func signedOrder(order []int, params webhook.Params) (sorted []int, checksum string) {
	// There are about ten: insertion is quicker than anything clever, and the
	// first eight bytes of most names tell them apart.
	var heads [32]uint64
	few := len(params) <= len(heads)
	for i := range params {
		name := params[i].Name
		head := nameHead(name)
		switch {
		case head == checksumHead && name == paramChecksum:
			checksum = params[i].Value
			continue
		case head == signAliasHead && name == paramSignAlias:
			continue
		}
		order = append(order, i)
		if !few {
			continue
		}
		j := len(order) - 1
		for ; j > 0 && (head < heads[j-1] || head == heads[j-1] && name < params[order[j-1]].Name); j-- {
			order[j], heads[j] = order[j-1], heads[j-1]
		}
		order[j], heads[j] = i, head
	}
	if !few {
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(params[a].Name, params[b].Name) })
	}
	return order, checksum
}

var checksumHead, signAliasHead = nameHead(paramChecksum), nameHead(paramSignAlias)

// nameHead is the first eight bytes of a name as a number that orders as they
// do. Shorter names end in zeros, which sort before every other byte.
func nameHead(name string) uint64 {
	switch n := len(name); {
	case n >= 8:
		return uint64(name[0])<<56 | uint64(name[1])<<48 | uint64(name[2])<<40 | uint64(name[3])<<32 |
			uint64(name[4])<<24 | uint64(name[5])<<16 | uint64(name[6])<<8 | uint64(name[7])
	case n >= 4: // the first four and the last four, which may be the same in part
		last := name[n-4:]
		return uint64(name[0])<<56 | uint64(name[1])<<48 | uint64(name[2])<<40 | uint64(name[3])<<32 |
			(uint64(last[0])<<24|uint64(last[1])<<16|uint64(last[2])<<8|uint64(last[3]))<<(64-8*n)
	}
	var head uint64
	for i := range len(name) {
		head |= uint64(name[i]) << (56 - 8*i)
	}
	return head
}

func appendCanonical(dst []byte, params webhook.Params, order []int) []byte {
	for _, i := range order {
		dst = append(dst, params[i].Name...)
		dst = append(dst, ';')
		dst = append(dst, params[i].Value...)
		dst = append(dst, ';')
	}
	return dst
}
