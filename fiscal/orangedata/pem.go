package orangedata

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"hash"
)

// decryptPEM is the DER inside the block, decrypted when it is encrypted.
func decryptPEM(block *pem.Block, password string) ([]byte, error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return decryptPKCS8(block.Bytes, password)
	case block.Headers["DEK-Info"] != "":
		if password == "" {
			return nil, keyError("it is encrypted (DEK-Info) and there is no password")
		}
		// The scheme is weak and its functions are deprecated; it is what the
		// service may hand out, and nothing is protected by it here.
		//lint:ignore SA1019 there is no other reader of such files
		der, err := x509.DecryptPEMBlock(block, []byte(password))
		if err != nil {
			return nil, keyError("it is encrypted (DEK-Info) and the password does not open it")
		}
		return der, nil
	}
	return block.Bytes, nil
}

// What PKCS#8 with PBES2 is made of (RFC 8018).
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2 struct {
		KDF, Scheme pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// prf is the hash of PBKDF2's HMAC; SHA-1 when none is named.
func prf(oid asn1.ObjectIdentifier) func() hash.Hash {
	switch oid.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}

// scheme is the length of the cipher's key and the cipher.
func scheme(oid asn1.ObjectIdentifier) (int, func([]byte) (cipher.Block, error)) {
	switch oid.String() {
	case "2.16.840.1.101.3.4.1.2":
		return 16, aes.NewCipher
	case "2.16.840.1.101.3.4.1.22":
		return 24, aes.NewCipher
	case "2.16.840.1.101.3.4.1.42":
		return 32, aes.NewCipher
	case "1.2.840.113549.3.7":
		return 24, des.NewTripleDESCipher
	}
	return 0, nil
}

// maxIterations bounds the work that a file can ask for; openssl writes 2048.
const maxIterations = 1_000_000

// decryptPKCS8 opens PKCS#8 encrypted by PBES2 with PBKDF2 and AES or 3DES in
// CBC: what openssl has written since 1.1.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	const form = "it is encrypted PKCS#8 "
	if password == "" {
		return nil, keyError(form + "and there is no password")
	}
	var key encryptedKey
	if rest, err := asn1.Unmarshal(der, &key); err != nil || len(rest) > 0 {
		return nil, keyError(form + "and its ASN.1 is broken")
	}
	if !key.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, keyError(form+"by the scheme %s, which is not read here: %s", key.Algorithm.Algorithm, hintPKCS8)
	}
	var params pbes2
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, keyError(form + "and its PBES2 parameters are broken")
	}
	if !params.KDF.Algorithm.Equal(oidPBKDF2) {
		return nil, keyError(form+"whose key derivation %s is not read here: %s", params.KDF.Algorithm, hintPKCS8)
	}
	var kdf pbkdf2Params
	if _, err := asn1.Unmarshal(params.KDF.Parameters.FullBytes, &kdf); err != nil {
		return nil, keyError(form + "and its PBKDF2 parameters are broken")
	}
	newHash := prf(kdf.PRF.Algorithm)
	length, newCipher := scheme(params.Scheme.Algorithm)
	if newHash == nil || newCipher == nil {
		return nil, keyError(form+"by the cipher %s or the hash %s, which are not read here: %s", params.Scheme.Algorithm, kdf.PRF.Algorithm, hintPKCS8)
	}
	if kdf.Iterations < 1 || kdf.Iterations > maxIterations {
		return nil, keyError(form + "and wants an unreasonable number of iterations")
	}
	var iv []byte
	if _, err := asn1.Unmarshal(params.Scheme.Parameters.FullBytes, &iv); err != nil {
		return nil, keyError(form + "and its initial vector is broken")
	}
	secret, err := pbkdf2.Key(newHash, password, kdf.Salt, kdf.Iterations, length)
	if err != nil {
		return nil, keyError(form+"and its key cannot be derived: %v", err)
	}
	block, err := newCipher(secret)
	if err != nil || len(iv) != block.BlockSize() || len(key.Data) == 0 || len(key.Data)%block.BlockSize() != 0 {
		return nil, keyError(form + "and its lengths are wrong")
	}
	plain := make([]byte, len(key.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, key.Data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > block.BlockSize() || pad > len(plain) {
		return nil, keyError(form + "and the password does not open it")
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return nil, keyError(form + "and the password does not open it")
		}
	}
	return plain[:len(plain)-pad], nil
}
