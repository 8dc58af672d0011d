package interop

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/money"
)

type object = map[string]any

// register is OrangeData's emulator and the files that its client reads.
type register struct {
	*orangedatatest.Server
	env []string
}

func open(t *testing.T, opts ...orangedatatest.Option) *register {
	t.Helper()
	s := orangedatatest.NewServer(opts...)
	t.Cleanup(s.Close)
	c, dir := s.Config(), t.TempDir()
	env := []string{"API_URL=" + s.URL + "/api/v2"}
	for name, content := range map[string][]byte{"CA": s.RootCA(), "CERT": c.Certificate, "CERT_KEY": c.CertificateKey, "PRIVATE_KEY": c.PrivateKey} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		env = append(env, name+"="+path)
	}
	return &register{s, env}
}

func (r *register) call(t *testing.T, input object) answer {
	t.Helper()
	return node(t, "node-orangedata", r.env, input, "orangedata.js")
}

func sale(id string, ffd int) object {
	position := object{"text": "Курс «Основы»", "quantity": 1.5, "price": 999.9, "tax": 6, "paymentMethodType": 4, "paymentSubjectType": 4}
	order := object{"id": id, "inn": orangedatatest.DefaultINN, "key": orangedatatest.DefaultINN, "type": 1, "customerContact": "client@example.com", "taxationSystem": 1, "group": "Main"}
	if ffd == 4 {
		order["ffdVersion"], order["group"], position["quantityMeasurementUnit"] = 4, "Main_2", 0
	}
	return object{"call": "sendOrder", "order": order, "positions": []object{position}, "payments": []object{{"type": 2, "amount": 1499.85}}}
}

// TestOrangeData: a sale in both formats is accepted, printed and read back,
// and the same id is told from a fault, with OrangeData's own npm package.
func TestOrangeData(t *testing.T) {
	for name, ffd := range map[string]int{"FFD 1.05": 2, "FFD 1.2": 4} {
		t.Run(name, func(t *testing.T) {
			r := open(t)
			a := r.call(t, sale("S-1", ffd))
			require.Empty(t, a.Error, "%v", a.Errors)
			document, known := r.Document("S-1")
			require.True(t, known)
			assert.Equal(t, money.RUB(1499, 85), document.Total)

			require.NoError(t, r.Print("S-1"))
			document, _ = r.Document("S-1")
			read := r.call(t, object{"call": "getOrderStatus", "inn": orangedatatest.DefaultINN, "id": "S-1"}).object(t)
			assert.Equal(t, "S-1", read["id"])
			assert.EqualValues(t, document.FiscalSign, read["fp"])
			assert.NotEmpty(t, read["fsNumber"])
			assert.EqualValues(t, "1", read["content"].(object)["type"].(json.Number))

			again := r.call(t, sale("S-1", ffd))
			assert.Contains(t, again.Error, "уже был создан", "409: the client calls it so")
			assert.Len(t, r.Documents(), 1)
		})
	}
}

// TestOrangeDataRefuses: what the service says of a document that is wrong, of
// an id that it does not know, of a foreign certificate and of a foreign key.
func TestOrangeDataRefuses(t *testing.T) {
	r := open(t)
	wrong := sale("S-2", 2)
	wrong["order"].(object)["group"] = "Nobody's"
	a := r.call(t, wrong)
	assert.Equal(t, "Некорректный запрос", a.Error)
	assert.NotEmpty(t, a.Errors)

	unknown := r.call(t, object{"call": "getOrderStatus", "inn": orangedatatest.DefaultINN, "id": "nobody's"})
	assert.NotEmpty(t, unknown.Error)

	stranger := open(t)
	cert, key := r.ForeignCertificate()
	for name, content := range map[string][]byte{"CERT": cert, "CERT_KEY": key} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		stranger.env = append(stranger.env, name+"="+path)
	}
	refused := stranger.call(t, sale("S-3", 2))
	assert.NotEmpty(t, refused.Error)
	assert.Empty(t, stranger.Documents())

	other := open(t)
	other.env = append(other.env, "PRIVATE_KEY="+foreignKey(t, other))
	assert.Equal(t, []string{"Подпись не прошла проверку"}, other.call(t, sale("S-4", 2)).Errors)
	assert.Empty(t, other.Documents())
}

// foreignKey is the key of the client certificate: a good key, and not the one
// that documents are signed with.
func foreignKey(t *testing.T, r *register) string {
	t.Helper()
	block, _ := pem.Decode(r.Config().CertificateKey)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	require.IsType(t, &rsa.PrivateKey{}, key)
	path := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(path, r.Config().CertificateKey, 0o600))
	return path
}

// TestOrangeDataCorrections: a correction of each format, printed and read
// back.
func TestOrangeDataCorrections(t *testing.T) {
	old := object{"id": "C-1", "inn": orangedatatest.DefaultINN, "key": orangedatatest.DefaultINN, "group": "Main", "type": 1, "taxationSystem": 1, "correctionType": 0,
		"causeDocumentDate": "2026-03-01T00:00:00", "causeDocumentNumber": "12", "totalSum": 500, "eCashSum": 500, "tax4Sum": 500}
	last := object{"id": "C-2", "inn": orangedatatest.DefaultINN, "key": orangedatatest.DefaultINN, "group": "Main_2", "ffdVersion": 4, "type": 1, "correctionType": 0,
		"causeDocumentDate": "2026-03-01T00:00:00", "causeDocumentNumber": "12", "totalSum": 500, "customerContact": "client@example.com",
		"positions":  []object{{"text": "Курс", "quantity": 1, "price": 500, "tax": 6, "paymentMethodType": 4, "paymentSubjectType": 4, "quantityMeasurementUnit": 0}},
		"checkClose": object{"payments": []object{{"type": 2, "amount": 500}}, "taxationSystem": 1}}
	for _, c := range []struct {
		send, read string
		order      object
	}{{"sendCorrection", "getCorrectionStatus", old}, {"sendCorrection12", "getCorrection12Status", last}} {
		t.Run(c.send, func(t *testing.T) {
			r := open(t)
			id := c.order["id"].(string)
			a := r.call(t, object{"call": c.send, "order": c.order})
			require.Empty(t, a.Error, "%v", a.Errors)
			require.NoError(t, r.Print(id))
			document, _ := r.Document(id)
			assert.Equal(t, money.RUB(500, 0), document.Total)
			read := r.call(t, object{"call": c.read, "inn": orangedatatest.DefaultINN, "id": id}).object(t)
			assert.EqualValues(t, document.FiscalSign, read["fp"])
		})
	}
}

// TestOrangeDataMark: a marking code is taken to be checked.
func TestOrangeDataMark(t *testing.T) {
	r := open(t)
	a := r.call(t, object{"call": "checkItemCode", "order": object{"id": "M-1", "inn": orangedatatest.DefaultINN, "key": orangedatatest.DefaultINN, "group": "Main_2",
		"plannedStatus": 1, "itemCode": "010460043993125621JgXJ5.T\u001d8005112000\u001d93hz9y", "quantity": 1, "quantityMeasurementUnit": 0}})
	assert.Empty(t, a.Error, "%v", a.Errors)
}
