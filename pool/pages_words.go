package pool

import (
	"fmt"
	"time"

	"github.com/aqsha/aqsha/money"
)

// words of the pages by language.
var words = map[string]map[string]string{
	"en": {
		"pool": "Mining pool", "rate": "Hash rate, 1 h", "connections": "Connections", "height": "Height", "scheme": "Scheme", "fee": "Fee", "next_fee": "Fee from", "blocks": "Blocks found",
		"time": "Time", "status": "Status", "reward": "Reward", "finder": "Found by", "none": "None yet.", "your_address": "Your address", "show": "Show",
		"provisional": "awaits 100 confirmations", "final": "final", "orphaned": "orphaned", "owed": "Owed for certain", "pending": "From blocks that are not final",
		"forecast": "Expected in a day", "spread": "give or take", "workers": "Workers", "worker": "Worker", "shares": "Shares", "rejected": "Rejected", "last": "Last share", "payouts": "Payouts",
		"amount": "Amount", "transaction": "Transaction", "on_its_way": "on its way", "proof": "Check it yourself",
		"proof_text": "Every share is in a public log. Copy it and recompute what you are paid:", "unknown": "This address has not mined here yet: it appears with its first valid share.",
		"back": "The pool", "more": "More workers:", "paused": "Payouts are paused by the operator.",
	},
	"kk": {
		"pool": "Майнинг пулы", "rate": "Хешрейт, 1 сағ", "connections": "Қосылымдар", "height": "Биіктік", "scheme": "Схема", "fee": "Комиссия", "next_fee": "Комиссия күшіне енетін күн", "blocks": "Табылған блоктар",
		"time": "Уақыты", "status": "Күйі", "reward": "Сыйақы", "finder": "Тапқан", "none": "Әзірге жоқ.", "your_address": "Сіздің мекенжайыңыз", "show": "Көрсету",
		"provisional": "100 растауды күтуде", "final": "түпкілікті", "orphaned": "тізбектен шыққан", "owed": "Анық төленетін сома", "pending": "Әлі түпкілікті емес блоктардан",
		"forecast": "Бір тәулікте күтілетін", "spread": "ауытқуы", "workers": "Құрылғылар", "worker": "Құрылғы", "shares": "Шаралар", "rejected": "Қабылданбаған", "last": "Соңғы шара", "payouts": "Төлемдер",
		"amount": "Сома", "transaction": "Транзакция", "on_its_way": "жолда", "proof": "Өзіңіз тексеріңіз",
		"proof_text": "Әр шара ашық журналда жазылған. Оны көшіріп алып, өз төлеміңізді қайта есептеңіз:", "unknown": "Бұл мекенжай мұнда әлі өндірмеген: алғашқы жарамды шарасымен пайда болады.",
		"back": "Пулға", "more": "Басқа құрылғылар:", "paused": "Төлемдерді оператор уақытша тоқтатқан.",
	},
	"ru": {
		"pool": "Майнинговый пул", "rate": "Хешрейт, 1 ч", "connections": "Соединения", "height": "Высота", "scheme": "Схема", "fee": "Комиссия", "next_fee": "Комиссия с", "blocks": "Найденные блоки",
		"time": "Время", "status": "Состояние", "reward": "Награда", "finder": "Нашёл", "none": "Пока нет.", "your_address": "Ваш адрес", "show": "Показать",
		"provisional": "ждёт 100 подтверждений", "final": "окончательный", "orphaned": "вне цепочки", "owed": "Причитается точно", "pending": "Из ещё не окончательных блоков",
		"forecast": "Ожидается за сутки", "spread": "плюс-минус", "workers": "Устройства", "worker": "Устройство", "shares": "Шары", "rejected": "Отклонено", "last": "Последняя шара", "payouts": "Выплаты",
		"amount": "Сумма", "transaction": "Транзакция", "on_its_way": "в пути", "proof": "Проверьте сами",
		"proof_text": "Каждая шара записана в открытом журнале. Скопируйте его и пересчитайте свои выплаты:", "unknown": "Этот адрес здесь ещё не добывал: он появится с первой принятой шарой.",
		"back": "К пулу", "more": "Другие устройства:", "paused": "Выплаты приостановлены оператором.",
	},
}

func btc(amount money.Satoshi) string { return fmt.Sprintf("%.8f BTC", float64(amount)/1e8) }

// hashRate writes hashes per second with a prefix.
func hashRate(rate float64) string {
	prefixes := []string{"", "k", "M", "G", "T", "P", "E"}
	i := 0
	for ; rate >= 1000 && i < len(prefixes)-1; i++ {
		rate /= 1000
	}
	return fmt.Sprintf("%.3g %sH/s", rate, prefixes[i])
}

func when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}
