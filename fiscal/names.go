package fiscal

import (
	"math/bits"
	"strconv"
)

// names are the two names of one code: the English one of the constant and
// the Russian one that stands on receipts and in cabinets.
type names struct{ english, russian string }

// number names an unknown code.
func number[K ~uint8 | ~uint16](code K) names {
	s := strconv.Itoa(int(code))
	return names{s, s}
}

func settlementName(s Settlement) names {
	switch s {
	case Sale:
		return names{"sale", "Приход"}
	case SaleReturn:
		return names{"sale return", "Возврат прихода"}
	case Purchase:
		return names{"purchase", "Расход"}
	case PurchaseReturn:
		return names{"purchase return", "Возврат расхода"}
	}
	return number(s)
}

// String is the English name: "sale", "sale return", "purchase" or "purchase
// return"; the number for an unknown one.
func (s Settlement) String() string { return settlementName(s).english }

// Name is the Russian name as printed: "Приход", "Возврат прихода".
func (s Settlement) Name() string { return settlementName(s).russian }

// Valid says whether it is one of the four settlements.
func (s Settlement) Valid() bool { return s >= Sale && s <= PurchaseReturn }

// Return says whether s gives money back for an earlier settlement: a sale
// return or a purchase return.
func (s Settlement) Return() bool { return s == SaleReturn || s == PurchaseReturn }

func taxSystemName(t TaxSystem) names {
	switch t {
	case TaxGeneral:
		return names{"general", "ОСН"}
	case TaxSimplifiedIncome:
		return names{"simplified, income", "УСН доход"}
	case TaxSimplifiedIncomeMinus:
		return names{"simplified, income minus expense", "УСН доход - расход"}
	case TaxImputed:
		return names{"imputed", "ЕНВД"}
	case TaxAgricultural:
		return names{"agricultural", "ЕСХН"}
	case TaxPatent:
		return names{"patent", "ПСН"}
	}
	return number(t)
}

// String is the English name: "general", "patent"; the number for an unknown
// one.
func (t TaxSystem) String() string { return taxSystemName(t).english }

// Name is the Russian name as printed: "ОСН", "УСН доход".
func (t TaxSystem) Name() string { return taxSystemName(t).russian }

// Valid says whether it is exactly one of the six systems. The zero value,
// "as the shop is registered", is not a system.
func (t TaxSystem) Valid() bool { _, ok := t.Ordinal(); return ok }

// TaxSystemOf is the system by the number of its bit, 0 to 5, as most services
// count: the other way of Ordinal.
func TaxSystemOf(ordinal int) (t TaxSystem, ok bool) {
	if ordinal < 0 || ordinal > 5 {
		return 0, false
	}
	return TaxSystem(1) << ordinal, true
}

func methodName(m PaymentMethod) names {
	switch m {
	case FullPrepayment:
		return names{"full prepayment", "Предоплата 100%"}
	case Prepayment:
		return names{"prepayment", "Предоплата"}
	case Advance:
		return names{"advance", "Аванс"}
	case FullPayment:
		return names{"full payment", "Полный расчет"}
	case PartialPayment:
		return names{"partial payment and credit", "Частичный расчет и кредит"}
	case Credit:
		return names{"credit", "Передача в кредит"}
	case CreditPayment:
		return names{"credit payment", "Оплата кредита"}
	}
	return number(m)
}

// String is the English name: "full payment"; the number for an unknown one.
func (m PaymentMethod) String() string { return methodName(m).english }

// Name is the Russian name as printed: "Полный расчет".
func (m PaymentMethod) Name() string { return methodName(m).russian }

// Valid says whether it is one of the seven methods.
func (m PaymentMethod) Valid() bool { return m >= FullPrepayment && m <= CreditPayment }

// HandOver says whether the goods or the service are handed over with this
// receipt: full payment, partial payment, credit. Marking codes belong there.
func (m PaymentMethod) HandOver() bool { return m >= FullPayment && m <= Credit }

func subjectName(s Subject) names {
	switch s {
	case Goods:
		return names{"goods", "Товар"}
	case Excisable:
		return names{"excisable goods", "Подакцизный товар"}
	case Work:
		return names{"work", "Работа"}
	case Service:
		return names{"service", "Услуга"}
	case GamblingBet:
		return names{"gambling bet", "Ставка азартной игры"}
	case GamblingPrize:
		return names{"gambling prize", "Выигрыш азартной игры"}
	case LotteryTicket:
		return names{"lottery ticket", "Лотерейный билет"}
	case LotteryPrize:
		return names{"lottery prize", "Выигрыш лотереи"}
	case IntellectualProperty:
		return names{"intellectual property", "Предоставление РИД"}
	case Payment:
		return names{"payment", "Платеж"}
	case AgentFee:
		return names{"agent's fee", "Агентское вознаграждение"}
	case Payout:
		return names{"payout", "Выплата"}
	case Other:
		return names{"other", "Иной предмет расчета"}
	case PropertyRight:
		return names{"property right", "Имущественное право"}
	case NonOperatingIncome:
		return names{"non-operating income", "Внереализационный доход"}
	case OtherContributions:
		return names{"other payments and contributions", "Иные платежи и взносы"}
	case TradeLevy:
		return names{"trade levy", "Торговый сбор"}
	case TouristTax:
		return names{"tourist tax", "Туристический налог"}
	case Pledge:
		return names{"pledge", "Залог"}
	case Expense:
		return names{"expense", "Расход"}
	case PensionOwn:
		return names{"pension contributions, sole trader", "Взносы на ОПС ИП"}
	case Pension:
		return names{"pension contributions", "Взносы на ОПС"}
	case MedicalOwn:
		return names{"medical contributions, sole trader", "Взносы на ОМС ИП"}
	case Medical:
		return names{"medical contributions", "Взносы на ОМС"}
	case SocialInsurance:
		return names{"social contributions", "Взносы на ОСС"}
	case CasinoPayment:
		return names{"casino payment", "Платеж казино"}
	case CashPayout:
		return names{"cash issued by a bank payment agent", "Выдача ДС"}
	case ExciseUncoded:
		return names{"excisable, to be marked, no code", "АТНМ"}
	case ExciseCoded:
		return names{"excisable, with marking code", "АТМ"}
	case GoodsUncoded:
		return names{"to be marked, no code", "ТНМ"}
	case GoodsCoded:
		return names{"with marking code", "ТМ"}
	}
	return number(s)
}

// String is the English name: "goods"; the number for an unknown one.
func (s Subject) String() string { return subjectName(s).english }

// Name is the Russian name as printed: "Товар", "ТМ".
func (s Subject) Name() string { return subjectName(s).russian }

// Valid says whether the format has the subject: 1 to 27 and 30 to 33.
func (s Subject) Valid() bool {
	return (s >= Goods && s <= CashPayout) || (s >= ExciseUncoded && s <= GoodsCoded)
}

// Coded says whether the subject stands for a thing with a marking code (АТМ,
// ТМ).
func (s Subject) Coded() bool { return s == ExciseCoded || s == GoodsCoded }

func unitName(u Unit) names {
	switch u {
	case Piece:
		return names{"piece", "шт"}
	case Gram:
		return names{"gram", "г"}
	case Kilogram:
		return names{"kilogram", "кг"}
	case Tonne:
		return names{"tonne", "т"}
	case Centimetre:
		return names{"centimetre", "см"}
	case Decimetre:
		return names{"decimetre", "дм"}
	case Metre:
		return names{"metre", "м"}
	case SquareCentimetre:
		return names{"square centimetre", "кв. см"}
	case SquareDecimetre:
		return names{"square decimetre", "кв. дм"}
	case SquareMetre:
		return names{"square metre", "кв. м"}
	case Millilitre:
		return names{"millilitre", "мл"}
	case Litre:
		return names{"litre", "л"}
	case CubicMetre:
		return names{"cubic metre", "куб. м"}
	case KilowattHour:
		return names{"kilowatt hour", "кВт ч"}
	case Gigacalorie:
		return names{"gigacalorie", "Гкал"}
	case Day:
		return names{"day", "сутки"}
	case Hour:
		return names{"hour", "час"}
	case Minute:
		return names{"minute", "мин"}
	case Second:
		return names{"second", "с"}
	case Kilobyte:
		return names{"kilobyte", "Кбайт"}
	case Megabyte:
		return names{"megabyte", "Мбайт"}
	case Gigabyte:
		return names{"gigabyte", "Гбайт"}
	case Terabyte:
		return names{"terabyte", "Тбайт"}
	case OtherUnit:
		return names{"other", "ед."}
	}
	return number(u)
}

// String is the English name: "kilogram"; the number for an unknown one.
func (u Unit) String() string { return unitName(u).english }

// Name is the Russian short name: "шт", "кг". It fits the free text of FFD 1.05
// (1197) and has only characters that a register prints.
func (u Unit) Name() string { return unitName(u).russian }

// Valid says whether the format has the unit.
func (u Unit) Valid() bool { n := unitName(u); return n.english[0] > '9' }

func agentName(a AgentType) names {
	switch a {
	case BankPayingAgent:
		return names{"bank payment agent", "Банковский платежный агент"}
	case BankPayingSubagent:
		return names{"bank payment subagent", "Банковский платежный субагент"}
	case PayingAgent:
		return names{"payment agent", "Платежный агент"}
	case PayingSubagent:
		return names{"payment subagent", "Платежный субагент"}
	case Attorney:
		return names{"attorney", "Поверенный"}
	case CommissionAgent:
		return names{"commission agent", "Комиссионер"}
	case OtherAgent:
		return names{"agent", "Агент"}
	}
	return number(a)
}

// String is the English name: "commission agent"; the number for an unknown
// one.
func (a AgentType) String() string { return agentName(a).english }

// Name is the Russian name as printed: "Комиссионер".
func (a AgentType) Name() string { return agentName(a).russian }

// Valid says whether it is exactly one of the seven agents.
func (a AgentType) Valid() bool { _, ok := a.Ordinal(); return ok }

// Ordinal is the number of the agent's bit, 0 to 6, as some services count; ok
// is false for none or several bits.
func (a AgentType) Ordinal() (n int, ok bool) {
	if a == 0 || a > OtherAgent || a&(a-1) != 0 {
		return 0, false
	}
	return bits.TrailingZeros8(uint8(a)), true
}

// String is "own initiative" or "by order"; the number for an unknown one.
func (k CorrectionKind) String() string { return k.names().english }

// Name is the Russian name as printed: "Самостоятельно", "По предписанию".
func (k CorrectionKind) Name() string { return k.names().russian }

func (k CorrectionKind) names() names {
	switch k {
	case CorrectionOwn:
		return names{"own initiative", "Самостоятельно"}
	case CorrectionByOrder:
		return names{"by order", "По предписанию"}
	}
	return number(k)
}

// Valid says whether it is one of the two kinds.
func (k CorrectionKind) Valid() bool { return k <= CorrectionByOrder }

// String is the English name: "piece sold"; "none" for the zero value, the
// number for an unknown one.
func (s PlannedStatus) String() string { return s.names().english }

// Name is the Russian name of the status.
func (s PlannedStatus) Name() string { return s.names().russian }

func (s PlannedStatus) names() names {
	switch s {
	case 0:
		return names{"none", "не указан"}
	case PieceSold:
		return names{"piece sold", "Штучный товар реализован"}
	case MeasureSelling:
		return names{"measured being sold", "Мерный товар в стадии реализации"}
	case PieceReturned:
		return names{"piece returned", "Штучный товар возвращен"}
	case PartReturned:
		return names{"part returned", "Часть товара возвращена"}
	case PieceSelling:
		return names{"piece being sold", "Штучный товар в стадии реализации"}
	case MeasureSold:
		return names{"measured sold", "Мерный товар реализован"}
	case StatusKept:
		return names{"unchanged", "Статус не изменился"}
	}
	return number(s)
}

// Valid says whether the format has the status; the zero value is none.
func (s PlannedStatus) Valid() bool {
	return (s >= PieceSold && s <= MeasureSold) || s == StatusKept
}

// Measured says whether the status is of goods sold by measure or by part, so
// that their quantity need not be one piece.
func (s PlannedStatus) Measured() bool {
	return s == MeasureSold || s == MeasureSelling || s == PartReturned
}

func markKindName(k MarkKind) names {
	switch k {
	case 0:
		return names{"not given", "не указан"}
	case MarkUnknown:
		return names{"unknown", "не распознан"}
	case MarkEAN8:
		return names{"EAN-8", "EAN-8"}
	case MarkEAN13:
		return names{"EAN-13", "EAN-13"}
	case MarkITF14:
		return names{"ITF-14", "ITF-14"}
	case MarkGS10:
		return names{"GS1.0", "GS1.0"}
	case MarkGS1M:
		return names{"GS1.M", "GS1.M"}
	case MarkShort:
		return names{"short", "короткий код"}
	case MarkFur:
		return names{"fur", "меховые изделия"}
	case MarkEGAIS20:
		return names{"EGAIS-2", "ЕГАИС-2"}
	case MarkEGAIS30:
		return names{"EGAIS-3", "ЕГАИС-3"}
	}
	if k >= MarkF1 && k <= MarkF6 {
		s := "F." + strconv.Itoa(int(k-MarkF1)+1)
		return names{s, s}
	}
	return number(k)
}

// String is the kind's name in the format: "GS1.M", "EAN-13", "fur".
func (k MarkKind) String() string { return markKindName(k).english }

// Name is the Russian name of the kind.
func (k MarkKind) Name() string { return markKindName(k).russian }

// Valid says whether the format has the kind; the zero value, "found out from
// the code", is not one.
func (k MarkKind) Valid() bool {
	return (k >= MarkUnknown && k <= MarkEGAIS30) || (k >= MarkF1 && k <= MarkF6)
}

// Valid says whether the version is one of the two in use; "", the service's
// own, is not.
func (f FFD) Valid() bool { return f == FFD105 || f == FFD12 }

// Code is the version's number in the format (1209): 2 for 1.05, 4 for 1.2; 0
// for any other.
func (f FFD) Code() int {
	switch f {
	case FFD105:
		return 2
	case FFD12:
		return 4
	}
	return 0
}
