package fiscal

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Register is a cash-register service that prints receipts. It is safe for
// concurrent use. Its errors are *acquiring.Error in the chain.
type Register interface {
	// Submit hands the receipt over. Printing takes seconds or minutes: the
	// document is ordinarily DocumentQueued yet. Receipt.ID makes it
	// idempotent: submitting the same receipt again, also after an unknown
	// outcome, returns the first document. A receipt that is not right gives
	// acquiring.ErrInvalid with [Faults] in its chain, and nothing is sent; one
	// that the service cannot express acquiring.ErrUnsupported or ErrInvalid.
	Submit(ctx context.Context, r Receipt) (*Document, error)
	// GetDocument reads the document by Document.ID. An unknown one gives
	// acquiring.ErrNotFound.
	GetDocument(ctx context.Context, id string) (*Document, error)
	// VerifyCallback reads the service's notification. A forged one gives
	// acquiring.ErrSignature; where the service signs nothing, the document is
	// read back.
	VerifyCallback(ctx context.Context, r *http.Request) (*Document, error)
}

// DocumentStatus is where a document stands.
type DocumentStatus uint8

// Where a document stands. Printed and failed are final.
const (
	DocumentUnknown DocumentStatus = iota // the service said what this version does not know: ask again
	DocumentQueued                        // accepted, not printed yet
	DocumentPrinted                       // printed: Document.Fiscal says how
	DocumentFailed                        // refused: Document.Failure says why
)

// String is "queued", "printed", "failed" or "unknown".
func (s DocumentStatus) String() string {
	switch s {
	case DocumentQueued:
		return "queued"
	case DocumentPrinted:
		return "printed"
	case DocumentFailed:
		return "failed"
	}
	return "unknown"
}

// Final says whether nothing more is to be waited for.
func (s DocumentStatus) Final() bool { return s == DocumentPrinted || s == DocumentFailed }

// Document is a receipt at the service.
type Document struct {
	ID        string // the service's, for GetDocument
	ReceiptID string // Receipt.ID
	Status    DocumentStatus
	Fiscal    *FiscalData      // when printed
	Failure   *DocumentFailure // when failed
	Existed   bool             // Submit found it there already
	Raw       json.RawMessage  // the service's answer as it came
}

// DocumentFailure is why a document was not printed.
type DocumentFailure struct {
	Code      string // the service's; "": it gave none
	Message   string // its words
	Retryable bool   // submitted again under the same ID it may be printed: the register was off, the paper out
}

// FiscalData is what the register made of the receipt (фискальные данные).
type FiscalData struct {
	FN            string       // номер ФН (1041), 16 digits; those from 9999 are test storage
	FD            string       // номер ФД (1040)
	FP            string       // фискальный признак, ФПД (1077), at most 10 digits
	Shift         int          // номер смены (1038)
	Number        int          // номер чека за смену (1042)
	RegNumber     string       // РН ККТ (1037)
	FactoryNumber string       // ЗН ККТ (1013)
	Time          time.Time    // дата и время (1012), at the register's own clock
	Total         money.Amount // ИТОГ (1020), kopecks
	Type          Settlement   // (1054)
	OFDName       string       // name of the operator of fiscal data, ОФД (1046)
	OFDINN        string       // its ИНН (1017)
	OFDSite       string       // its site
	FNSSite       string       // the tax service's site, as printed (1060)
	URL           string       // of the receipt at the operator of fiscal data (ОФД)
}
