package rest

import "encoding/base64"

// BasicPair is a login and a password as the header of HTTP's Basic
// authentication has them, which is a secret too; "" without a password.
func BasicPair(user, password string) string {
	if password == "" {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
