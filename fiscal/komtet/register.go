package komtet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Submit puts the receipt, or the correction that it is, into the configured
// queue. Receipt.ID is the task's external_id. What Request refuses is not sent.
//
// A number used before gives the document that has it, with Existed true, as
// long as that is such a document: one of another settlement or another total
// gives acquiring.ErrConflict. If the service does not say which task has the
// number, the error is acquiring.ErrDuplicate: the receipt is in the queue or
// printed, and its notification or the stored Document.ID leads to it.
//
// A document that failed keeps its number: submit the receipt again under
// another ("A-7-r2").
func (c *Client) Submit(ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
	const op = "Submit"
	check, err := c.Request(r)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	return c.submit(ctx, op, r, check)
}

func (c *Client) submit(ctx context.Context, op string, r fiscal.Receipt, check CheckRequest) (*fiscal.Document, error) {
	t, err := c.CreateTask(ctx, 0, check)
	if err == nil {
		return c.document(ctx, t, r.ID), nil
	}
	if !errors.Is(err, acquiring.ErrDuplicate) {
		return nil, err
	}
	var there *Existing
	if !errors.As(err, &there) {
		return nil, err
	}
	return c.existing(ctx, op, r, check, there.Task)
}

// existing is the document of a task that had the receipt's number before.
func (c *Client) existing(ctx context.Context, op string, r fiscal.Receipt, check CheckRequest, told *Task) (*fiscal.Document, error) {
	if id := told.ExternalID; !id.IsZero() && id.String() != r.ID {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown,
			Message: "the service says the number is used, and shows a task with another: " + told.IDString()}
	}
	t, err := c.taskOf(ctx, check.version(), int64(told.ID))
	if err != nil {
		// The task is known; how it stands can be asked later. Not even a
		// refusal of the question is one of the receipt.
		t = told
	}
	if !t.ExternalID.IsZero() && t.ExternalID.String() != r.ID {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown,
			Message: "task " + t.IDString() + " is about another receipt"}
	}
	d := c.document(ctx, t, r.ID)
	d.Existed = true
	if err := same(op, r, d); err != nil {
		return nil, err
	}
	if d.Status == fiscal.DocumentPrinted && t.Fiscal.empty() {
		// It could not be read just now. Queued makes the caller ask again.
		d.Status, d.Fiscal = fiscal.DocumentQueued, nil
	}
	return d, nil
}

// same says whether the document may be the receipt's: a number given twice
// must not pass a return off as printed because its sale was.
func same(op string, r fiscal.Receipt, d *fiscal.Document) error {
	if d.Fiscal == nil {
		return nil
	}
	var differs string
	switch total := r.Total(); {
	case d.Fiscal.Total != 0 && d.Fiscal.Total != total:
		differs = "its total is " + d.Fiscal.Total.String() + ", not " + total.String()
	case r.Correction == nil && d.Fiscal.Type != 0 && d.Fiscal.Type != r.Type:
		differs = fmt.Sprintf("it is a %s, not a %s", d.Fiscal.Type, r.Type)
	default:
		return nil
	}
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Code: CodeDuplicate,
		Field: "id", Message: strconv.Quote(r.ID) + " is the number of another document, task " + d.ID + ": " + differs,
		Hint: "nothing was printed: give each sale, return and correction a number of its own"}
}

// SubmitAll puts the receipts into the configured queue in one batch for each
// version of the API, each receipt once. Where Request refuses one of them,
// nothing is sent. The documents are in the order of the receipts; those that
// failed, or were not tried any more because the service cannot be reached, are
// nil, and the error tells of each failure (errors.Join where there are
// several). Call again with all of them: what is there already comes back with
// Existed true.
func (c *Client) SubmitAll(ctx context.Context, receipts []fiscal.Receipt) ([]*fiscal.Document, error) {
	const op = "SubmitAll"
	docs := make([]*fiscal.Document, len(receipts))
	checks := make([]CheckRequest, len(receipts))
	for i, r := range receipts {
		check, err := c.Request(r)
		if err != nil {
			return docs, ofReceipt(i, acquiring.InOp(provider, op, err))
		}
		checks[i] = check
	}
	var errs []error
	for _, api := range []API{APIv1, APIv2} {
		var at []int
		var batch []CheckRequest
		for i, check := range checks {
			if check.version() == api {
				at, batch = append(at, i), append(batch, check)
			}
		}
		if len(batch) == 0 {
			continue
		}
		if len(batch) > 1 {
			tasks, err := c.CreateTasks(ctx, 0, batch)
			if err == nil {
				for j := range tasks {
					docs[at[j]] = c.document(ctx, &tasks[j], receipts[at[j]].ID)
				}
				continue
			}
			if ctx.Err() != nil || acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown {
				return docs, errors.Join(append(errs, err)...)
			}
			// Part of the batch may be there: one by one, each tells.
		}
		for j, i := range at {
			d, err := c.submit(ctx, op, receipts[i], batch[j])
			if err != nil {
				errs = append(errs, ofReceipt(i, err))
				if ctx.Err() != nil || acquiring.Temporary(err) {
					break // the rest would fare no better
				}
				continue
			}
			docs[i] = d
		}
	}
	if len(errs) == 1 {
		return docs, errs[0]
	}
	return docs, errors.Join(errs...)
}

// ofReceipt says which receipt of several an error is about.
func ofReceipt(i int, err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	at := "receipts[" + strconv.Itoa(i) + "]"
	if c.Field != "" {
		c.Field = at + "." + c.Field
	} else {
		c.Message = at + ": " + c.Message
	}
	return &c
}

// GetDocument reads the document by Document.ID. An ID that is no whole number
// is acquiring.ErrInvalid; one that the service does not know,
// acquiring.ErrNotFound.
func (c *Client) GetDocument(ctx context.Context, id string) (*fiscal.Document, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 || strings.HasPrefix(id, "+") {
		return nil, acquiring.InOp(provider, "GetDocument", acquiring.Invalid("id", "is not a Document.ID of this service: a whole number"))
	}
	t, err := c.Task(ctx, n)
	if err != nil {
		return nil, err
	}
	return c.document(ctx, t, ""), nil
}

// taskOf reads a task where a receipt of that version was put.
func (c *Client) taskOf(ctx context.Context, api API, id int64) (*Task, error) {
	if c.cfg.API != APIByFFD {
		api = c.version()
	}
	return c.task(ctx, api, id)
}

// document is the task in the words of all registers.
func (c *Client) document(ctx context.Context, t *Task, receiptID string) *fiscal.Document {
	d := &fiscal.Document{ID: t.IDString(), ReceiptID: t.ExternalID.String(), Status: t.State.Document(), Raw: t.Raw}
	if d.ReceiptID == "" {
		d.ReceiptID = receiptID
	}
	switch d.Status {
	case fiscal.DocumentPrinted:
		d.Fiscal = &fiscal.FiscalData{}
		if t.Fiscal != nil {
			d.Fiscal = t.Fiscal.data(c.cfg.Location)
		}
		d.Fiscal.URL = string(t.ReceiptURL)
		c.lookAtStorage(ctx, d)
	case fiscal.DocumentFailed:
		d.Failure = &fiscal.DocumentFailure{Message: string(t.ErrorDescription)}
	}
	return d
}

// lookAtStorage warns of a receipt printed in earnest while testing, and of
// one printed on test storage in production: the host does not tell them apart.
func (c *Client) lookAtStorage(ctx context.Context, d *fiscal.Document) {
	if d.Fiscal.FN == "" {
		return
	}
	test := strings.HasPrefix(d.Fiscal.FN, "9999")
	if test == (c.cfg.Environment == acquiring.Test) {
		return
	}
	c.rest.Logger().LogAttrs(ctx, slog.LevelWarn, "the receipt is on the wrong kind of fiscal storage",
		slog.String("environment", c.cfg.Environment.String()), slog.Bool("test_storage", test), slog.String("document", d.ID), slog.String("receipt", d.ReceiptID))
}

func isNotFound(err error) bool { return errors.Is(err, acquiring.ErrNotFound) }

// Request is the receipt as Submit sends it: *CheckV1 or *CheckV2, and for a
// correction *CorrectionV1 or *CorrectionV2. Nothing is sent. It serves to look
// at, or to add what only the service knows before CreateTask or CreateTasks.
//
// All that is wrong with the receipt is told at once, as fiscal.Faults in the
// chain of an acquiring.ErrInvalid. A field or a value that the service cannot
// express is a fault too, and then the error is acquiring.ErrUnsupported
// besides: nothing is replaced by something similar. Receipt.Extra and
// Line.Extra are sent as they are: a value that is JSON as that JSON, any other
// as text.
func (c *Client) Request(r fiscal.Receipt) (CheckRequest, error) {
	api := c.cfg.API
	if api == APIByFFD {
		api = APIv2
		if r.FFD == fiscal.FFD105 {
			api = APIv1
		}
	}
	var faults []fiscal.Fault
	ffd := fiscal.FFD12
	if api == APIv1 {
		ffd = fiscal.FFD105
	}
	switch r.FFD {
	case "":
		r.FFD = ffd
		if api == APIv1 {
			r.Lines = namedUnits(r.Lines)
		}
	case ffd:
	default:
		faults = append(faults, fiscal.Fault{Path: "ffd", Message: "is not the format of version " + string(api) + ", which Config.API fixes",
			Russian: "формат не соответствует версии API " + string(api)})
	}
	if r.TaxSystem == 0 {
		r.TaxSystem = c.cfg.TaxSystem
	}
	if r.Seller.Place == "" {
		r.Seller.Place = c.cfg.Place
	}
	if r.ID == "" {
		faults = append(faults, fiscal.Fault{Path: "id", Message: "is empty: it is what keeps a receipt from being printed twice", Russian: "не указан номер чека"})
	}
	if err := r.Validate(); err != nil {
		var more fiscal.Faults
		if !errors.As(err, &more) {
			return nil, &acquiring.Error{Provider: provider, Kind: acquiring.ErrInvalid, Message: "the receipt is not right", Err: err}
		}
		faults = append(faults, more...)
	}
	if len(faults) > 0 {
		return nil, refused(faults, false)
	}
	m := mapper{cfg: &c.cfg, api: api, receipt: r}
	check := m.check()
	if len(m.faults) > 0 {
		return nil, refused(m.faults, true)
	}
	return check, nil
}

// namedUnits writes the units out for FFD 1.05, which has no codes of them,
// where the receipt left the format to us. The caller's lines stay as they are.
func namedUnits(lines []fiscal.Line) []fiscal.Line {
	lines = slices.Clone(lines)
	for i := range lines {
		if l := &lines[i]; l.UnitName == "" && l.Unit != fiscal.Piece && l.Unit.Valid() {
			l.UnitName = l.Unit.Name()
		}
	}
	return lines
}

// refused is the error of a receipt that is wrong, or that the service cannot
// express: then it is acquiring.ErrUnsupported as well as ErrInvalid.
func refused(faults fiscal.Faults, unsupported bool) error {
	return &acquiring.Error{Provider: provider, Kind: acquiring.ErrInvalid, Outcome: acquiring.OutcomeNotSent,
		Field: faults[0].Path, Message: faults[0].Message, Err: receiptError{faults, unsupported}}
}

// receiptError keeps all faults for errors.As, and tells those after the first,
// which the error around it tells.
type receiptError struct {
	faults      fiscal.Faults
	unsupported bool
}

func (e receiptError) Error() string {
	if len(e.faults) == 1 {
		return ""
	}
	return "and " + e.faults[1:].Error()
}

func (e receiptError) Unwrap() []error {
	if e.unsupported {
		return []error{e.faults, acquiring.ErrUnsupported}
	}
	return []error{e.faults}
}
