package fiscal

import (
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Receipt is a fiscal document: a receipt (кассовый чек) or, with Correction
// set, a correction receipt (чек коррекции). A receipt is never edited: a
// wrong one is undone by a return or a correction.
//
// Limits of texts are in characters, sums in kopecks. [Receipt.Validate] tells of
// all that does not fit.
//
// Its JSON, for the shop's own records, keeps everything; sums are in kopecks
// there, and the names of its fields are those of the paths of Validate.
type Receipt struct {
	// ID is the shop's own number of the document (external_id, Id): a Register
	// prints it once, however often it is submitted. At most 64 characters
	// pass everywhere; an acquirer that prints with the payment ignores it.
	ID string `json:"id,omitzero"`

	Type      Settlement `json:"type"`               // признак расчёта (1054); required
	FFD       FFD        `json:"ffd,omitzero"`       // of the cash register; "": the service's own
	TaxSystem TaxSystem  `json:"taxSystem,omitzero"` // система налогообложения (1055); 0: as the shop is registered at the service

	// Contact is where the receipt goes (1008). In internet settlements the
	// law wants one of the two, taken before the payment.
	Contact Contact `json:"contact,omitzero"`
	Buyer   *Buyer  `json:"buyer,omitzero"` // покупатель (1256); needed when he is a company
	Seller  Seller  `json:"seller,omitzero"`
	Cashier Cashier `json:"cashier,omitzero"`

	// Lines are the positions, at least one; more than 100 not every service
	// takes.
	Lines []Line `json:"items"`
	// Payments is how it was paid; they add up to the total. All zero means:
	// the whole total cashless (1081).
	Payments        Payments         `json:"payments,omitzero"`
	CashlessDetails []CashlessDetail `json:"cashlessDetails,omitempty"` // сведения о безналичных расчётах (1234), optional

	// SoldAt is the day of the sale that decides the VAT rates; zero: now, or
	// for a return unknown, and its rates are not looked at. For a return it is the day of the sale that is
	// returned. It must not lie more than a day ahead.
	SoldAt time.Time `json:"soldAt,omitzero"`

	Internet *bool  `json:"internet,omitzero"` // расчёт в интернете (1125); nil: as the register is set, and a Contact is needed then too
	TimeZone int    `json:"timeZone,omitzero"` // часовая зона (1011): 1..11 is UTC+2..UTC+12; 0: the register's
	Machine  string `json:"machine,omitzero"`  // номер автомата (1036), at most 20

	Attribute     string              `json:"attribute,omitzero"`     // дополнительный реквизит чека (1192), at most 16
	UserAttribute *UserAttribute      `json:"userAttribute,omitzero"` // дополнительный реквизит пользователя (1084)
	Industry      []IndustryAttribute `json:"industry,omitempty"`     // отраслевой реквизит чека (1261), FFD 1.2
	Operational   *Operational        `json:"operational,omitzero"`   // операционный реквизит чека (1270), FFD 1.2

	Correction *Correction `json:"correction,omitzero"` // not nil: this is a correction receipt

	// Extra holds fields of the service's own request, by their names there,
	// for what this model does not know.
	Extra map[string]string `json:"extra,omitempty"`
}

// Contact is the buyer's address for the receipt (1008).
type Contact struct {
	Email string `json:"email,omitzero"` // at most 64
	Phone string `json:"phone,omitzero"` // +79161234567: a plus sign and 7 to 15 digits, see [Phone]
}

// Buyer is who bought (1256 in FFD 1.2). FFD 1.05 has Name and INN only (1227,
// 1228).
type Buyer struct {
	Name         string `json:"name,omitzero"`         // наименование, ФИО (1227), at most 256
	INN          string `json:"inn,omitzero"`          // ИНН (1228), 10 or 12 digits
	BirthDate    string `json:"birthDate,omitzero"`    // дата рождения (1243), DD.MM.YYYY
	Citizenship  string `json:"citizenship,omitzero"`  // гражданство (1244), three digits
	DocumentCode string `json:"documentCode,omitzero"` // код вида документа (1245), two digits: 21 is a passport
	Document     string `json:"document,omitzero"`     // данные документа (1246), at most 64
	Address      string `json:"address,omitzero"`      // адрес (1254), at most 256
}

// Seller is who sells, where it differs from what the register is set to. An
// acquirer that prints with the payment may have it in the cabinet only (Tochka,
// Alfa-Bank, Sberbank's legacy gateway), and then none of this is sent.
type Seller struct {
	Email   string `json:"email,omitzero"`   // адрес отправителя чека (1117), at most 64
	INN     string `json:"inn,omitzero"`     // ИНН пользователя (1018), 10 or 12 digits
	Place   string `json:"place,omitzero"`   // место расчётов (1187), at most 256; of a web shop the address of its site
	Address string `json:"address,omitzero"` // адрес расчётов (1009), at most 256
}

// Cashier is the person at the register; an automatic one has none.
type Cashier struct {
	Name string `json:"name,omitzero"` // кассир (1021), at most 64
	INN  string `json:"inn,omitzero"`  // ИНН кассира (1203), 12 digits
}

// Payments is how the receipt was paid, in kopecks, none of them negative.
type Payments struct {
	Cash     money.Amount `json:"cash,omitzero"`     // наличными (1031)
	Cashless money.Amount `json:"cashless,omitzero"` // безналичными (1081): card, SBP, transfer
	Prepaid  money.Amount `json:"prepaid,omitzero"`  // зачёт предоплаты, аванса (1215)
	Credit   money.Amount `json:"credit,omitzero"`   // постоплата, в кредит (1216)
	Counter  money.Amount `json:"counter,omitzero"`  // встречное предоставление (1217)
}

// Total is the sum of all five, in kopecks.
func (p Payments) Total() money.Amount {
	return p.Cash + p.Cashless + p.Prepaid + p.Credit + p.Counter
}

// CashlessDetail is one cashless payment of the receipt (1235). All of them come
// to no more than what was paid cashless.
type CashlessDetail struct {
	Sum  money.Amount `json:"sum"`           // (1082), kopecks, more than zero
	Kind int          `json:"kind"`          // признак способа оплаты безналичными (1236), 0..255; the values are not published yet
	ID   string       `json:"id,omitzero"`   // идентификатор (1237), at most 256
	Info string       `json:"info,omitzero"` // дополнительные сведения (1238), at most 256
}

// UserAttribute is the shop's own line on the receipt (1084); both are required.
type UserAttribute struct {
	Name  string `json:"name"`  // (1085), at most 64
	Value string `json:"value"` // (1086), at most 256
}

// IndustryAttribute is what a state body demands of its branch (1260 of a
// line, 1261 of a receipt): the permissive mode of marking among others. All four
// are required.
type IndustryAttribute struct {
	FOIV   string `json:"foiv"`   // код ФОИВ (1262), three digits: "030" is Minpromtorg
	Date   string `json:"date"`   // дата основания (1263), DD.MM.YYYY
	Number string `json:"number"` // номер основания (1264), at most 32
	Value  string `json:"value"`  // значение (1265), at most 256
}

// Operational is the operational attribute (1270); Data and Time are required.
type Operational struct {
	ID   int       `json:"id"`   // (1271), 0..255
	Data string    `json:"data"` // (1272), at most 64
	Time time.Time `json:"time"` // (1273)
}

// Correction makes a correction receipt of a receipt.
type Correction struct {
	Kind   CorrectionKind `json:"kind"`            // тип коррекции (1173)
	Date   time.Time      `json:"date"`            // дата корректируемого расчёта (1178); required, not in the future
	Number string         `json:"number,omitzero"` // номер предписания (1179), at most 32; with CorrectionByOrder, and only then
	// FiscalSign of the wrong receipt (ФПД), at most ten digits, printed as 1192
	// in FFD 1.2.
	FiscalSign  string `json:"fiscalSign,omitzero"`
	Description string `json:"description,omitzero"` // описание (1177), at most 256, where a service still asks for it
}

// Line is one thing sold: a position of the receipt (предмет расчёта, 1059).
// Its total is the price times the quantity, rounded half up to the kopeck. Name,
// Quantity, VAT, Method and Subject are required; all the texts together take at
// most 1024 bytes of the register's storage, one for a character and four for
// each tag.
type Line struct {
	// ID tells the lines apart where a service asks for it (positionId,
	// itemCode): no two lines have the same. "": one is made where it is needed,
	// at the banks of the name and the price.
	ID       string       `json:"id,omitzero"`
	Name     string       `json:"name"`     // наименование (1030), at most 128 characters
	Price    money.Amount `json:"price"`    // цена за единицу со скидками (1079), kopecks; 0 several services refuse
	Quantity Quantity     `json:"quantity"` // количество (1023), more than 0
	// VAT is the rate (1199). With a prepayment method the calculated form
	// (22/122) is derived from the plain one: see Line.EffectiveVAT. Without VAT
	// is VATNone and not "".
	VAT     VAT           `json:"vat"`
	Method  PaymentMethod `json:"method"`  // признак способа расчёта (1214)
	Subject Subject       `json:"subject"` // признак предмета расчёта (1212)

	Unit     Unit   `json:"unit,omitzero"`     // мера количества (2108), FFD 1.2; 0 is a piece
	UnitName string `json:"unitName,omitzero"` // единица измерения (1197), FFD 1.05, at most 16; needed there where Unit is no piece

	Mark          *Mark         `json:"mark,omitzero"`          // код маркировки (1163, 2000; 1162 in FFD 1.05)
	Part          *Part         `json:"part,omitzero"`          // дробное количество маркированного товара (1291)
	PlannedStatus PlannedStatus `json:"plannedStatus,omitzero"` // планируемый статус (2003)

	Agent    *Agent    `json:"agent,omitzero"`    // агент (1222, 1223)
	Supplier *Supplier `json:"supplier,omitzero"` // поставщик (1224, 1226); needed with an agent

	Excise      money.Amount `json:"excise,omitzero"`      // акциз (1229) of the whole line, kopecks, at most its total
	Country     string       `json:"country,omitzero"`     // код страны (1230), three digits: 643 is Russia
	Declaration string       `json:"declaration,omitzero"` // номер таможенной декларации (1231), at most 32

	Attribute string             `json:"attribute,omitzero"` // дополнительный реквизит (1191), at most 64
	Industry  *IndustryAttribute `json:"industry,omitzero"`  // отраслевой реквизит (1260), FFD 1.2

	Extra map[string]string `json:"extra,omitempty"` // the service's own fields of a position
}

// Mark is a marking code (код маркировки, Честный знак).
type Mark struct {
	// Code is the code as scanned: for a DataMatrix with its group separators
	// (0x1D) in place, without the leading FNC1. At most 256 bytes of ASCII;
	// ParseMark makes it of what was scanned.
	Code string   `json:"code"`
	Kind MarkKind `json:"kind,omitzero"` // 0: found out from the code
}

// Part is a part of a marked package: Numerator of Denominator pieces (1293,
// 1294), 0 < Numerator < Denominator. The line's quantity is 1 then. FFD 1.2.
type Part struct {
	Numerator   int `json:"numerator"`
	Denominator int `json:"denominator"`
}

// Agent is on whose behalf the line is sold (1222, 1223). A bank agent or subagent
// must give Operation, Phones and the four of the transfer operator; a paying
// agent or subagent Phones and ReceiverPhones; the others Type alone. Telephones
// are as in [Contact].
type Agent struct {
	Type      AgentType `json:"type"`
	Operation string    `json:"operation,omitzero"` // операция платёжного агента (1044), at most 24
	Phones    []string  `json:"phones,omitempty"`   // телефоны платёжного агента (1073)

	ReceiverPhones []string `json:"receiverPhones,omitempty"` // оператора по приёму платежей (1074)

	TransferPhones  []string `json:"transferPhones,omitempty"` // оператора перевода (1075)
	TransferName    string   `json:"transferName,omitzero"`    // (1026), at most 64
	TransferAddress string   `json:"transferAddress,omitzero"` // (1005), at most 256
	TransferINN     string   `json:"transferInn,omitzero"`     // (1016), 10 or 12 digits
}

// Supplier is whose goods or services the line is (1224, 1226). With an agent all
// three are required.
type Supplier struct {
	Name   string   `json:"name,omitzero"`    // (1225), at most 256
	INN    string   `json:"inn,omitzero"`     // (1226), 10 or 12 digits; "000000000000": not Russian
	Phones []string `json:"phones,omitempty"` // (1171), as in [Contact]
}
