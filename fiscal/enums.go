package fiscal

import "strings"

// FFD is a version of the format of fiscal data (1209).
type FFD string

// The versions in use. Marked goods need FFD12.
const (
	FFD105 FFD = "1.05"
	FFD12  FFD = "1.2"
)

// Settlement is what kind of settlement it is (признак расчёта, 1054).
type Settlement uint8

// The settlements, with their numbers in the format.
const (
	Sale           Settlement = 1 // приход
	SaleReturn     Settlement = 2 // возврат прихода
	Purchase       Settlement = 3 // расход
	PurchaseReturn Settlement = 4 // возврат расхода
)

// Mirror is the settlement that undoes s: a sale's is its return. An unknown one
// stays as it is.
func (s Settlement) Mirror() Settlement {
	switch s {
	case Sale:
		return SaleReturn
	case SaleReturn:
		return Sale
	case Purchase:
		return PurchaseReturn
	case PurchaseReturn:
		return Purchase
	}
	return s
}

// TaxSystem is the seller's system of taxation (система налогообложения,
// 1055): one bit of the mask that the format has.
type TaxSystem uint8

// The systems. The zero value means: as the shop is registered at the service.
const (
	TaxGeneral               TaxSystem = 1  // ОСН, общая
	TaxSimplifiedIncome      TaxSystem = 2  // УСН доход
	TaxSimplifiedIncomeMinus TaxSystem = 4  // УСН доход минус расход
	TaxImputed               TaxSystem = 8  // ЕНВД; abolished on 1 January 2021
	TaxAgricultural          TaxSystem = 16 // ЕСХН
	TaxPatent                TaxSystem = 32 // патент, ПСН
)

// Ordinal is the number of the system's bit, 0 to 5, as most services count;
// ok is false for none or several bits.
func (t TaxSystem) Ordinal() (n int, ok bool) {
	for i := range 6 {
		if t == 1<<i {
			return i, true
		}
	}
	return 0, false
}

// VAT is a rate of value-added tax (ставка НДС, 1199). The set is open: RawVAT
// passes a service's own code for a rate that this version does not know.
type VAT string

// The rates. The calculated ones (расчётная ставка) are for money received
// before the supply. None is not the same as 0 %.
const (
	VATNone VAT = "none" // без НДС (6)
	VAT0    VAT = "0"    // 0 % (5)
	VAT5    VAT = "5"    // 5 %, since 2025 (7)
	VAT7    VAT = "7"    // 7 %, since 2025 (8)
	VAT10   VAT = "10"   // 10 % (2)
	VAT20   VAT = "20"   // 20 %, until the end of 2025 and for returns of those sales (1)
	VAT22   VAT = "22"   // 22 %, since 1 January 2026 (11)

	VAT5of105  VAT = "5/105"  // 5/105, since 2025 (9)
	VAT7of107  VAT = "7/107"  // 7/107, since 2025 (10)
	VAT10of110 VAT = "10/110" // 10/110 (4)
	VAT20of120 VAT = "20/120" // 20/120, until the end of 2025 (3)
	VAT22of122 VAT = "22/122" // 22/122, since 1 January 2026 (12)
)

// RawVAT is a rate by the code that the service itself uses, passed as it is.
// The library cannot compute with it: its VAT counts as 0.
func RawVAT(code string) VAT { return VAT("raw:" + code) }

// Raw is the service's own code of a RawVAT; ok is false for any other rate.
func (v VAT) Raw() (code string, ok bool) { return strings.CutPrefix(string(v), "raw:") }

// PaymentMethod says when the line is paid (признак способа расчёта, 1214).
type PaymentMethod uint8

// The payment methods, with their numbers in the format.
const (
	FullPrepayment PaymentMethod = 1 // предоплата 100 %
	Prepayment     PaymentMethod = 2 // предоплата частичная
	Advance        PaymentMethod = 3 // аванс
	FullPayment    PaymentMethod = 4 // полный расчёт
	PartialPayment PaymentMethod = 5 // частичный расчёт и кредит
	Credit         PaymentMethod = 6 // передача в кредит
	CreditPayment  PaymentMethod = 7 // оплата кредита
)

// Before says whether the money came before the supply, so that the
// calculated VAT rate holds.
func (m PaymentMethod) Before() bool { return m >= FullPrepayment && m <= Advance }

// Subject says what is sold (признак предмета расчёта, 1212).
type Subject uint8

// The subjects, with their numbers in the format. Those from 19 on not every
// register of FFD 1.05 knows, and those from 30 on need FFD 1.2; 28 and 29 do not
// exist.
const (
	Goods                Subject = 1  // товар
	Excisable            Subject = 2  // подакцизный товар
	Work                 Subject = 3  // работа
	Service              Subject = 4  // услуга
	GamblingBet          Subject = 5  // ставка азартной игры
	GamblingPrize        Subject = 6  // выигрыш азартной игры
	LotteryTicket        Subject = 7  // лотерейный билет
	LotteryPrize         Subject = 8  // выигрыш лотереи
	IntellectualProperty Subject = 9  // предоставление РИД
	Payment              Subject = 10 // платёж: аванс, задаток, предоплата, кредит
	AgentFee             Subject = 11 // агентское вознаграждение
	Payout               Subject = 12 // выплата; in FFD 1.05 составной предмет расчёта
	Other                Subject = 13 // иной предмет расчёта
	PropertyRight        Subject = 14 // имущественное право
	NonOperatingIncome   Subject = 15 // внереализационный доход
	OtherContributions   Subject = 16 // иные платежи и взносы; earlier страховые взносы
	TradeLevy            Subject = 17 // торговый сбор
	TouristTax           Subject = 18 // туристический налог; earlier курортный сбор
	Pledge               Subject = 19 // залог
	Expense              Subject = 20 // расход
	PensionOwn           Subject = 21 // взносы на ОПС ИП
	Pension              Subject = 22 // взносы на ОПС
	MedicalOwn           Subject = 23 // взносы на ОМС ИП
	Medical              Subject = 24 // взносы на ОМС
	SocialInsurance      Subject = 25 // взносы на ОСС
	CasinoPayment        Subject = 26 // платёж казино
	CashPayout           Subject = 27 // выдача денежных средств банковским платёжным агентом
	ExciseUncoded        Subject = 30 // АТНМ: подакцизный, подлежит маркировке, без кода
	ExciseCoded          Subject = 31 // АТМ: подакцизный с кодом маркировки
	GoodsUncoded         Subject = 32 // ТНМ: подлежит маркировке, без кода
	GoodsCoded           Subject = 33 // ТМ: товар с кодом маркировки
)

// Unit is a unit of quantity (мера количества, 2108, FFD 1.2).
type Unit uint8

// The units, with their numbers in the format.
const (
	Piece            Unit = 0   // штука, единица
	Gram             Unit = 10  // г
	Kilogram         Unit = 11  // кг
	Tonne            Unit = 12  // т
	Centimetre       Unit = 20  // см
	Decimetre        Unit = 21  // дм
	Metre            Unit = 22  // м
	SquareCentimetre Unit = 30  // см²
	SquareDecimetre  Unit = 31  // дм²
	SquareMetre      Unit = 32  // м²
	Millilitre       Unit = 40  // мл
	Litre            Unit = 41  // л
	CubicMetre       Unit = 42  // м³
	KilowattHour     Unit = 50  // кВт·ч
	Gigacalorie      Unit = 51  // Гкал
	Day              Unit = 70  // сутки
	Hour             Unit = 71  // час
	Minute           Unit = 72  // минута
	Second           Unit = 73  // секунда
	Kilobyte         Unit = 80  // КБ
	Megabyte         Unit = 81  // МБ
	Gigabyte         Unit = 82  // ГБ
	Terabyte         Unit = 83  // ТБ
	OtherUnit        Unit = 255 // иная
)

// AgentType is what kind of agent sells the line (признак агента, 1222): one
// bit of the mask that the format has.
type AgentType uint8

// The agents, with their bits.
const (
	BankPayingAgent    AgentType = 1  // банковский платёжный агент
	BankPayingSubagent AgentType = 2  // банковский платёжный субагент
	PayingAgent        AgentType = 4  // платёжный агент
	PayingSubagent     AgentType = 8  // платёжный субагент
	Attorney           AgentType = 16 // поверенный
	CommissionAgent    AgentType = 32 // комиссионер
	OtherAgent         AgentType = 64 // агент
)

// CorrectionKind is who asked for the correction (тип коррекции, 1173).
type CorrectionKind uint8

// The kinds of correction, with their numbers in the format.
const (
	CorrectionOwn     CorrectionKind = 0 // самостоятельно
	CorrectionByOrder CorrectionKind = 1 // по предписанию
)

// PlannedStatus is what becomes of a marked thing (планируемый статус, 2003).
type PlannedStatus uint8

// The statuses, with their numbers in the format. The zero value: none given.
const (
	PieceSold      PlannedStatus = 1   // штучный товар реализован
	MeasureSelling PlannedStatus = 2   // мерный товар в стадии реализации: a part was sold
	PieceReturned  PlannedStatus = 3   // штучный товар возвращён
	PartReturned   PlannedStatus = 4   // часть товара возвращена
	PieceSelling   PlannedStatus = 5   // штучный товар в стадии реализации
	MeasureSold    PlannedStatus = 6   // мерный товар реализован: the last of it was sold
	StatusKept     PlannedStatus = 255 // статус не изменился
)

// MarkKind is the structure of a marking code (1300 to 1325, tag 1163).
type MarkKind uint16

// The kinds, with their tags.
const (
	MarkUnknown MarkKind = 1300 // не распознан
	MarkEAN8    MarkKind = 1301 // barcode EAN-8
	MarkEAN13   MarkKind = 1302 // barcode EAN-13
	MarkITF14   MarkKind = 1303 // barcode ITF-14
	MarkGS10    MarkKind = 1304 // GS1 without a marking code
	MarkGS1M    MarkKind = 1305 // GS1 with a marking code
	MarkShort   MarkKind = 1306 // короткий код
	MarkFur     MarkKind = 1307 // меховые изделия
	MarkEGAIS20 MarkKind = 1308 // ЕГАИС-2
	MarkEGAIS30 MarkKind = 1309 // ЕГАИС-3
	MarkF1      MarkKind = 1320 // F.1, at most 32 characters, as the next five
	MarkF2      MarkKind = 1321
	MarkF3      MarkKind = 1322
	MarkF4      MarkKind = 1323
	MarkF5      MarkKind = 1324
	MarkF6      MarkKind = 1325
)
