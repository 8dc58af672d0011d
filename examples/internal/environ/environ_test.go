package environ

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is missing is said by the name of the variable, all of it at once.
func TestComplete(t *testing.T) {
	get := func(name string) string { return map[string]string{"KOMTET_SHOP_ID": "1"}[name] }
	require.EqualError(t, Complete(KomtetVariables, get), "KOMTET_SECRET is not set: секретный ключ магазина\nKOMTET_QUEUE_ID is not set: number of the queue (очередь)")
	require.NoError(t, Complete(KomtetVariables, func(string) string { return "1" }))
	require.NoError(t, NoArguments(nil))
	require.ErrorContains(t, NoArguments([]string{"production"}), `"production"`)
}

// The key before is read beside the present one, so that a key can be changed
// by the environment alone.
func TestKeysBefore(t *testing.T) {
	get := func(name string) string {
		switch name {
		case "KOMTET_QUEUE_ID":
			return "7"
		case "SBERBANK_PREVIOUS_CALLBACK_KEY", "ALFABANK_PREVIOUS_CALLBACK_KEY", "PAYMASTER_CLASSIC_PREVIOUS_SECRET_KEY",
			"KOMTET_PREVIOUS_SECRET", "PAYKEEPER_PREVIOUS_SECRET":
			return "old"
		}
		return ""
	}
	s, err := Sberbank(get)
	require.NoError(t, err)
	assert.Equal(t, "old", s.PreviousCallbackKey)
	a, err := AlfaBank(get)
	require.NoError(t, err)
	assert.Equal(t, "old", a.PreviousCallbackKey)
	p, err := PayMasterClassic(get)
	require.NoError(t, err)
	assert.Equal(t, "old", p.PreviousSecretKey)
	k, err := Komtet(get)
	require.NoError(t, err)
	assert.Equal(t, "old", k.PreviousSecret)
	pk, err := PayKeeper(get)
	require.NoError(t, err)
	assert.Equal(t, "old", pk.PreviousSecret)
}
