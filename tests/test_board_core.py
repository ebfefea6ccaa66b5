"""The board in software without sPyNNaker: cores, memories, heaps, routers and ticks.

Some programs are written here, instruction by instruction; others are sPyNNaker's own.
"""

from __future__ import annotations

import struct
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikemem.hardware.spinnaker.board.image import Image
from spikemem.hardware.spinnaker.board.memory import ChipMemory
from spikemem.hardware.spinnaker.board.router import LINKS, destinations
from spikemem.hardware.spinnaker.board.status import BoardFault, CoreStatus, Signal, State

pytest.importorskip("unicorn", reason="the software board needs unicorn")

import board_programs as programs

from spikemem.hardware.spinnaker.board.board import SPIN5, Board
from spikemem.hardware.spinnaker.board.core import Core

TIMER = 4
VCPU = 0xE5007000
shipped = pytest.mark.spinnaker
"""The program is one out of sPyNNaker's wheel."""


# images
def test_image_holds_what_its_blocks_say():
    image = Image.of(programs.aplx({0x40: [1, 2, 3], 0x400010: [4]}))
    assert struct.unpack_from("<3I", image.itcm, 0x40) == (1, 2, 3)
    assert struct.unpack_from("<I", image.dtcm, 0x10) == (4,)
    assert (len(image.itcm), len(image.dtcm)) == (0x8000, 0x10000)
    assert sum(image.itcm) + sum(image.dtcm) == 10


@pytest.mark.parametrize("binary", [b"", b"no program at all, just text....", b"\x02" + bytes(31)])
def test_damaged_image_is_refused(binary):
    with pytest.raises(BoardFault, match="list of blocks is damaged"):
        Image.of(binary)


def test_image_too_large_for_a_core_is_refused():
    with pytest.raises(BoardFault, match=r"32 KiB for instructions and 64 KiB for data"):
        Image.of(programs.aplx({0x7FF0: [0] * 8}))


# cores
@pytest.fixture
def core():
    made = Core(ChipMemory(0, 0), 3, programs.echo(add=5), 30)
    made.go_on(True)
    return made


def test_core_answers_a_packet_with_a_packet(core):
    core.offer_packet(77)
    core.go_on()
    assert core.take_packets() == [(82, None)]
    assert core.take_packets() == []


def test_core_takes_a_tick_only_when_its_timer_interrupts(core):
    assert core.timer_runs
    for _ in range(3):
        core.raise_interrupt(TIMER)
        core.go_on()
    assert core.register("R6") == 3
    assert core.take_packets() == [(0x100, None)] * 3


def test_interrupt_returns_to_where_the_core_waited(core):
    before = {name: core.register(name) for name in ("PC", "CPSR", "SP")}
    core.offer_packet(1)
    core.go_on()
    assert {name: core.register(name) for name in before} == before


def test_instructions_are_counted_as_they_are_executed(core):
    before = core.instructions
    core.offer_packet(1)
    core.go_on()
    # by hand: the vector's branch, four to load an address, ldr, add, str, subs; then in the
    # loop: the branch back and the wait
    assert core.instructions - before == 9 + 2


def test_program_that_never_rests_is_stopped():
    core = Core(ChipMemory(0, 0), 3, programs.spin(), 30)
    core.limit = 1000
    with pytest.raises(BoardFault, match="never becomes idle"):
        core.go_on(True)


def test_access_to_memory_that_is_not_there_enters_the_programs_handler():
    core = Core(ChipMemory(0, 0), 3, programs.bad_read(), 30)
    core.go_on(True)
    assert core.register("CPSR") & 0x1F == 0x17  # abort mode
    # the link is eight bytes after the load, which follows four instructions at 0x100
    assert core.register("LR") == 0x100 + 16 + 8


# memories
def test_shared_memory_is_one_for_all_addresses_and_cores():
    memory = ChipMemory(1, 2)
    memory.write(0x60001000, b"abcd")
    assert memory.read(0x70001000, 4) == b"abcd"
    memory.write(0xE5001234, b"xy")
    assert memory.read(0xF5001234, 2) == b"xy"
    assert memory.read(0xF5007F00, 2) == bytes([2, 1])  # y, then x


@pytest.mark.parametrize(
    ("address", "size"),
    [(0x0, 4), (0x68000000, 4), (0x67FFFFFE, 4), (0xE5007FFF, 2), (0x90000000, 1)],
)
def test_addresses_without_memory_are_refused(address, size):
    with pytest.raises(BoardFault, match=r"Chip \(0, 0\) has no"):
        ChipMemory(0, 0).read(address, size)


def tiles(heap, base, end):
    """Blocks follow each other without a gap, and the free list holds the free ones in order."""
    at, free = base + 16, []
    for address, after, word in heap.blocks():
        assert address == at < after
        at = after
        if word < 0xFFFF0000:
            free.append(address)
    assert at == end - 8
    listed, block = [], heap.memory.word(base)
    while block:
        listed.append(block)
        after, block = heap.memory.get(block, "<2I")
    assert listed == free
    sizes = [heap.memory.word(a) - a - 8 for a in free]
    return sum(sizes)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 200), st.integers(1, 3), st.integers(0, 3), st.booleans()),
        max_size=30,
    )
)
def test_heap_keeps_blocks_apart_and_gets_everything_back(wishes):
    memory = ChipMemory(0, 0)
    base, end = 0x60000000, 0x60000000 + (118 << 20)
    whole = tiles(memory.heap, base, end)
    held: dict[int, tuple[int, int, int]] = {}
    for size, app, tag, release in wishes:
        address = memory.heap.allocate(size, app, tag)
        known = [a for a, (_, p, t) in held.items() if tag and (p, t) == (app, tag)]
        if known:  # a tag names one block: the same again, or none if the size differs
            same = -(-held[known[0]][0] // 4) == -(-size // 4)
            assert address == (known[0] if same else 0)
        else:
            assert address
            assert address % 4 == 0
            assert all(address + size <= a or a + s <= address for a, (s, _, _) in held.items())
            held[address] = (size, app, tag)
        if release and held:
            memory.heap.free(first := next(iter(held)))
            del held[first]
        used = sum(-(-max(s, 4) // 4) * 4 + 8 for s, _, _ in held.values())
        assert tiles(memory.heap, base, end) + used <= whole + 8 * (1 + len(held))
    for app in (1, 2, 3):
        memory.heap.free_application(app)
    assert tiles(memory.heap, base, end) == whole == memory.heap.largest


def test_heap_that_is_full_gives_nothing():
    memory = ChipMemory(0, 0)
    assert memory.heap.allocate(119 << 20, 30, 1) == 0
    assert memory.heap.allocate(100 << 20, 30, 1)
    assert memory.heap.allocate(100 << 20, 30, 2) == 0


def test_messages_use_a_pool_of_buffers_and_give_them_back():
    memory = ChipMemory(0, 0)
    taken = [memory.take_buffer() for _ in range(12)]
    assert len(set(taken)) == 12
    assert memory.take_buffer() == 0
    assert not memory.post(3, b"12345678")
    memory.free_buffer(taken[5])
    assert memory.post(3, b"12345678")
    assert not memory.post(3, b"12345678")  # its mailbox is full


def test_routes_come_back_as_they_were_added_and_a_full_table_refuses():
    memory = ChipMemory(0, 0)
    memory.add_routes([(16, 0xFFFFFFF0, 1), (32, 0xFFFFFFF0, 2)], 30)
    memory.add_routes([(48, 0xFFFFFFF0, 4)], 31)
    assert [(app, route, key) for _, app, route, key, _ in memory.routes()] == [
        (30, 1, 16), (30, 2, 32), (31, 4, 48),
    ]  # fmt: skip
    memory.clear_routes(30)
    assert [key for *_, key, _ in memory.routes()] == [48]
    memory.add_routes([(k, 0xFFFFFFFF, 1) for k in range(1022)], 30)
    with pytest.raises(BoardFault, match="no room for 1 more"):
        memory.add_routes([(5000, 0xFFFFFFFF, 1)], 30)


# routers
def test_board_has_48_chips():
    assert len(set(SPIN5)) == 48
    assert {(0, 3), (4, 0), (7, 3), (4, 7), (7, 7)} <= set(SPIN5)
    assert not {(0, 4), (5, 0), (3, 7), (8, 4)} & set(SPIN5)


def test_first_row_that_matches_counts_and_others_go_straight_on():
    core_3 = 1 << (6 + 3)
    tables = {
        (0, 0): [(0x10, 0xFFFFFFFF, 1), (0x10, 0xFFFFFFF0, 2)],
        (3, 0): [(0x10, ~0xF, core_3)],
    }
    chips = dict.fromkeys(SPIN5)
    to, lost = destinations((0, 0), 0x10, lambda chip: tables.get(chip, []), chips)
    assert to == ((3, 0, 3),)  # past two chips without a row
    assert not lost
    to, lost = destinations((0, 0), 0x12, lambda chip: tables.get(chip, []), chips)
    assert to == ()
    assert lost  # north without a row, until the board ends


def test_row_may_name_many_cores_and_links():
    route = 1 | 1 << 2 | 1 << (6 + 1) | 1 << (6 + 17)
    tables = {
        (0, 0): [(0, 0, route)],
        (1, 0): [(0, 0, 1 << (6 + 5))],
        (0, 1): [(0, 0, 1 << (6 + 6))],
    }
    to, lost = destinations((0, 0), 9, tables.__getitem__, dict.fromkeys(tables))
    assert sorted(to) == [(0, 0, 1), (0, 0, 17), (0, 1, 6), (1, 0, 5)]
    assert not lost


def test_links_are_three_pairs_of_opposites():
    assert all((-x, -y) == LINKS[(k + 3) % 6] for k, (x, y) in enumerate(LINKS))


# boards
def set_state(board, place, state):
    board.write(*place[:2], VCPU + 128 * place[2] + 46, bytes([state]))


def started(places, seed=0, add=1):
    """A board whose cores tick and echo."""
    board = Board(seed=seed)
    for place in places:
        board.load(*place, programs.echo(add), 30)
        set_state(board, place, State.SYNC0)
    board.signal(30, Signal.SYNC0)
    for place in places:
        set_state(board, place, State.RUNNING)
    return board


def test_packets_cross_chips_and_each_is_delivered_once():
    board = started([(0, 0, 1)])
    for p in (4, 5):
        board.load(2, 0, p, programs.echo(), 30)
    board.load_routes(0, 0, [(0x100, 0xFFFFFFFF, 1)], 30)
    board.load_routes(2, 0, [(0x100, 0xFFFFFFFF, 3 << (6 + 4))], 30)
    assert board.run(7) == 7
    # one packet a tick, which two cores on another chip answer with key 0x101, for which there
    # is no route
    assert board.statistics["packets"] == 7 * 3
    assert board.statistics["keys without a route"] == 1
    assert board.statistics["ticks"] == 7


def test_run_ends_when_no_started_core_runs_and_others_get_no_ticks():
    board = started([(0, 0, 1)])
    board.load(0, 0, 2, programs.echo(), 31)
    set_state(board, (0, 0, 2), State.RUNNING)

    def pause(done):
        set_state(board, (0, 0, 1), State.PAUSED)

    assert board.run(None, pause) == 20  # progress is called every 20 ticks
    assert board.statistics["packets"] == 20


def test_interrupt_between_ticks_leaves_the_memory_readable():
    board = started([(0, 0, 1)])

    def stop(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        board.run(None, stop)
    assert board.statistics["ticks"] == 20
    assert board.state(0, 0, 1) is State.RUNNING
    assert board.run(3) == 3


def test_order_of_packets_depends_on_the_seed_alone():
    def arrivals(seed):
        board = started([(0, 0, p) for p in range(1, 9)], seed=seed)
        board.load(0, 0, 17, programs.echo(), 30)
        board.load_routes(0, 0, [(0x100, 0xFFFFFFFF, 1 << (6 + 17))], 30)
        order = []
        for place in [(0, 0, p) for p in range(1, 9)]:
            core = board._cores[place]
            core.take_packets = lambda c=core, p=place: [  # each sends a key of its own
                (0x100, p[2]) for _ in Core.take_packets(c)
            ]
        last = board._cores[0, 0, 17]
        offer = last.offer_packet
        last.offer_packet = lambda key, payload: (order.append(payload), offer(key))
        board.run(1)
        return order

    first = arrivals(1)
    assert Counter(first) == Counter(range(1, 9))
    assert arrivals(1) == first
    assert len({tuple(arrivals(seed)) for seed in range(6)}) > 1  # 8! orders: false alarm 1e-23


def test_packets_that_answer_each_other_without_end_are_stopped():
    board = started([(0, 0, 1)])
    board.load(0, 0, 2, programs.echo(add=0), 30)
    board.load_routes(0, 0, [(0x100, 0xFFFFFFFF, 1 << (6 + 2))], 30)
    with pytest.raises(BoardFault, match=r"without end within one time step.*: 0x100\."):
        board.run(1)


def test_error_of_a_program_ends_the_run_with_its_words():
    board = started([(0, 0, 1)])
    set_state(board, (0, 0, 1), State.RUN_TIME_EXCEPTION)
    with pytest.raises(BoardFault, match=r"The program on core \(0, 0, 1\)"):
        board.run(5)


def test_status_of_an_error_shows_registers_and_the_last_line():
    status = CoreStatus(
        x=1, y=2, p=3, state=State.RUN_TIME_EXCEPTION, app_id=30, name="prog", run_time_error=13,
        registers=tuple(range(8)), psr=0, sp=16, lr=32, user=(0,) * 4, iobuf="a\nb\nc\nd\n",
    )  # fmt: skip
    text = str(status)
    assert "core (1, 2, 3) 'prog': run-time error SWERR" in text
    assert "r7=0x7 sp=0x10 lr=0x20" in text
    assert text.endswith("it printed last: 'd'")


def test_sdram_that_is_exhausted_is_said_with_what_is_left():
    board = Board()
    first = board.malloc_sdram(0, 0, 60 << 20, 30, 1)
    assert board.malloc_sdram(0, 0, 60 << 20, 30, 1) == first
    with pytest.raises(BoardFault, match=r"Chip \(0, 0\) has no block of 62914560 bytes"):
        board.malloc_sdram(0, 0, 60 << 20, 30, 2)
    board.signal(30, Signal.STOP)
    assert board.malloc_sdram(0, 0, 110 << 20, 31, 2)


def test_chips_and_cores_that_are_not_there_are_named():
    board = Board([(0, 0)])
    with pytest.raises(BoardFault, match=r"no chip \(1, 0\)"):
        board.read(1, 0, 0x60000000, 4)
    with pytest.raises(BoardFault, match="no core 18"):
        board.load(0, 0, 18, programs.spin(), 30)
    assert board.sdp(0, 0, 5, bytes(24)) is None


# the shipped programs
@shipped
def test_shipped_program_waits_for_start_and_then_misses_its_data():
    pytest.importorskip("spynnaker")
    board = Board()
    board.load(0, 0, 2, programs.shipped("IF_curr_exp.aplx"), 30, wait=True)
    assert board.core_status(0, 0, 2).name == "IF_curr_exp"
    assert board.states(30) == {State.READY: 1}
    board.signal(30, Signal.START)
    status = board.core_status(0, 0, 2)
    assert (status.state, status.run_time_error) == (State.RUN_TIME_EXCEPTION, 5)  # data abort
    assert 0x400000 < status.sp < 0x410000


@shipped
def test_shipped_program_without_the_magic_word_says_so():
    pytest.importorskip("spynnaker")
    board = Board()
    table = board.malloc_sdram(0, 0, 400, 30, 2)
    board.write(0, 0, VCPU + 128 * 2 + 112, struct.pack("<I", table))
    board.load(0, 0, 2, programs.shipped("IF_curr_exp.aplx"), 30)
    status = board.core_status(0, 0, 2)
    assert status.state is State.RUN_TIME_EXCEPTION
    assert status.user[0] == table
    # the number of the message in sPyNNaker's list and the word that it found
    assert status.iobuf.split("\n")[0].split("\x1e")[1:] == ["00000000"]


@shipped
def test_shipped_program_answers_messages_one_after_the_other():
    """Port 0 is the operating system's: command 0 asks for the version, 2 reads and 3 writes."""
    pytest.importorskip("spynnaker")
    board = Board()
    board.load(0, 0, 2, programs.shipped("synapse_expander.aplx"), 30, wait=True)
    header = struct.pack("<8B", 0x87, 0xFF, 2, 0xFF, 0, 0, 0, 0)
    for sequence in range(20):  # more than there are buffers
        answer = board.sdp(0, 0, 2, header + struct.pack("<2H3I", 0, sequence, 0, 0, 0))
        assert answer is not None
        code, number, place = struct.unpack_from("<2HI", answer, 8)
        assert (code, number) == (0x80, sequence)
        assert (place & 0xFF, place >> 8 & 0xFF) == (2, 2)  # virtual and physical core
        assert b"SARK" in answer
    board.write(0, 0, 0x60001000, b"12345678")
    answer = board.sdp(0, 0, 2, header + struct.pack("<2H3I", 2, 1, 0x60001000, 8, 0))
    assert answer is not None
    assert answer[12:] == b"12345678"
