package retailcrmtest

import (
	"slices"
	"strings"
	"time"
)

// Permissions of a key: scopes, as new keys have them, and the methods that
// older keys and the manuals list.
const (
	ScopeIntegrationRead  = "integration_read"
	ScopeIntegrationWrite = "integration_write"
	ScopePaymentsRead     = "payments_read"
	ScopePaymentsWrite    = "payments_write"
	ScopeReferenceRead    = "reference_read"
	ScopeStoreRead        = "store_read"

	MethodModule        = "/api/integration-modules/{code}"
	MethodModuleEdit    = "/api/integration-modules/{code}/edit"
	MethodCreateInvoice = "/api/payment/create-invoice"
	MethodUpdateInvoice = "/api/payment/(updateInvoice|check)"
	MethodInvoice       = "/api/payment/invoice/{invoiceUuid}"
	MethodImport        = "/api/payment/invoice/import"
)

// methods are what a scope opens.
var methods = map[string][]string{
	ScopeIntegrationRead:  {MethodModule},
	ScopeIntegrationWrite: {MethodModuleEdit},
	ScopePaymentsRead:     {MethodInvoice},
	ScopePaymentsWrite:    {MethodCreateInvoice, MethodUpdateInvoice, MethodImport},
}

type apiKey struct {
	key     string
	scopes  []string
	methods []string // named themselves; those of the scopes come besides
	recent  []time.Time
}

// opened are all methods that the key may call.
func (k *apiKey) opened() []string {
	out := slices.Clone(k.methods)
	for _, scope := range k.scopes {
		for _, m := range methods[scope] {
			if !slices.Contains(out, m) {
				out = append(out, m)
			}
		}
	}
	return out
}

// CreateKey makes an API key (Администрирование → Интеграция → Ключи доступа к
// API) with these permissions: scopes or methods. None: every scope.
func (s *Server) CreateKey(permissions ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.createKey(permissions)
}

func (s *Server) createKey(permissions []string) string {
	if len(permissions) == 0 {
		permissions = []string{ScopeIntegrationRead, ScopeIntegrationWrite, ScopePaymentsRead, ScopePaymentsWrite, ScopeReferenceRead, ScopeStoreRead}
	}
	k := &apiKey{key: s.base.IDs.Hex(32)}
	for _, p := range permissions {
		if strings.HasPrefix(p, "/") {
			k.methods = append(k.methods, p)
		} else {
			k.scopes = append(k.scopes, p)
		}
	}
	s.keys[k.key] = k
	return k.key
}

// RevokeKey makes the key wrong.
func (s *Server) RevokeKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// tooMany counts a request and says whether it is one too many. The caller
// holds the lock.
func (s *Server) tooMany(k *apiKey) bool {
	if s.opt.limit <= 0 {
		return false
	}
	now := s.base.Clock.Now()
	k.recent = slices.DeleteFunc(k.recent, func(t time.Time) bool { return now.Sub(t) >= time.Second })
	if len(k.recent) >= s.opt.limit {
		return true
	}
	k.recent = append(k.recent, now)
	return false
}
