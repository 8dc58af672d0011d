package acquiring

// Named says whose account an Acquirer takes payments through: the provider's
// name ("sberbank") and the shop's label (Config.Shop; when none was given "",
// or the site's number at PayMaster's classic protocol, whose payments go by
// the shop's own order numbers). Logs, metrics and the keys under which the
// webhook package remembers what was processed are made of both, so two
// accounts of one provider need two labels. Every client of this library has
// it.
type Named interface {
	Name() (provider, shop string)
}
