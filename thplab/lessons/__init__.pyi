"""Each name of ``thplab.lessons`` with its module, for the package, type checkers and editors."""

from .before_after import pretest as pretest
from .catalogue import ask as ask, predict as predict, questions as questions
from .progress_file import progress as progress
from .reading import (
    call_of as call_of,
    counter as counter,
    free_frames as free_frames,
    locks_held as locks_held,
    rss_pages as rss_pages,
    span as span,
    trace_field as trace_field,
)
from .runs.cases import cases_table as cases_table
from .runs.chain import registration_table as registration_table
from .runs.collapse_phases import (
    bytes_table as bytes_table,
    frames_table as frames_table,
    lock_table as lock_table,
    reached as reached,
    rollback_table as rollback_table,
)
from .runs.compare import (
    beside as beside,
    free_table as free_table,
    model_backtrace as model_backtrace,
    phases as phases,
    stack_table as stack_table,
    two_roads as two_roads,
)
from .runs.decode import decode_gfp as decode_gfp, decode_page as decode_page, split_address as split_address
from .runs.gdb import load_backtrace as load_backtrace, parse_backtrace as parse_backtrace
from .runs.lanes import run_lanes as run_lanes
from .runs.looking import look as look
from .runs.passes import (
    already_huge_table as already_huge_table,
    first_pass_of as first_pass_of,
    naps_table as naps_table,
    nofree_table as nofree_table,
    passes_table as passes_table,
    speed_table as speed_table,
    wait_sweep as wait_sweep,
)
from .runs.races import races_table as races_table
from .runs.routes import three_routes as three_routes
from .runs.scan_tables import pairs_table as pairs_table, versions_table as versions_table
from .runs.scanners import (
    batches_table as batches_table,
    blocks_table as blocks_table,
    comb_run as comb_run,
    looks_table as looks_table,
    proactive_rows as proactive_rows,
)
from .runs.stalls import bills_of_lanes as bills_of_lanes, stall_table as stall_table
from .runs.steps import subgoals as subgoals
from .runs.verdict_gallery import gallery_table as gallery_table
from .sets import exit_ticket as exit_ticket, recall as recall
from .widgets.buttons import jumps as jumps
from .widgets.gallery_box import gallery as gallery
from .widgets.injector import RaceInjector as RaceInjector
from .widgets.threshold_box import thresholds as thresholds
