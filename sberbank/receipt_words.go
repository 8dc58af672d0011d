package sberbank

import "github.com/acquiring-go/acquiring/fiscal"

// methodWord is the payment method (1214) as the new gateway has it.
func methodWord(m fiscal.PaymentMethod) string {
	switch m {
	case fiscal.FullPrepayment:
		return "full_prepayment"
	case fiscal.Prepayment:
		return "prepayment"
	case fiscal.Advance:
		return "advance"
	case fiscal.FullPayment:
		return "full_payment"
	case fiscal.PartialPayment:
		return "partial_payment"
	case fiscal.Credit:
		return "credit"
	case fiscal.CreditPayment:
		return "credit_payment"
	}
	return ""
}

// objectWord is the subject (1212) as the new gateway has it for FFD 1.05; ""
// for those that its list lacks.
func objectWord(s fiscal.Subject) string {
	switch s {
	case fiscal.Goods:
		return "commodity"
	case fiscal.Excisable:
		return "excise"
	case fiscal.Work:
		return "job"
	case fiscal.Service:
		return "service"
	case fiscal.GamblingBet:
		return "gambling_bet"
	case fiscal.LotteryTicket:
		return "lottery"
	case fiscal.IntellectualProperty:
		return "intellectual_activity"
	case fiscal.Payment:
		return "payment"
	case fiscal.AgentFee:
		return "agent_commission"
	case fiscal.Payout:
		return "award"
	case fiscal.Other:
		return "another"
	case fiscal.PropertyRight:
		return "property_right"
	case fiscal.NonOperatingIncome:
		return "non-operating_gain"
	case fiscal.OtherContributions:
		return "insurance_premium"
	case fiscal.TradeLevy:
		return "sales_tax"
	case fiscal.Pledge:
		return "deposit"
	case fiscal.Expense:
		return "expense"
	case fiscal.PensionOwn:
		return "pension_insurance_ip"
	case fiscal.Pension:
		return "pension_insurance"
	case fiscal.MedicalOwn:
		return "medical_insurance_ip"
	case fiscal.Medical:
		return "medical_insurance"
	case fiscal.SocialInsurance:
		return "social_insurance"
	case fiscal.CasinoPayment:
		return "casino_payment"
	}
	return ""
}

// agentWord is the kind of agent (1222) as the new gateway has it.
func agentWord(t fiscal.AgentType) string {
	switch t {
	case fiscal.BankPayingAgent:
		return "bank_paying_agent"
	case fiscal.BankPayingSubagent:
		return "bank_paying_subagent"
	case fiscal.PayingAgent:
		return "paying_agent"
	case fiscal.PayingSubagent:
		return "paying_subagent"
	case fiscal.Attorney:
		return "attorney"
	case fiscal.CommissionAgent:
		return "commission_agent"
	}
	return "another"
}
